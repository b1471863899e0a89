import { createKeyHash } from './hash.ts'

const LANES = 4
const FIRST_CAPACITY = 1024

/**
 * What has been revoked, by kind and key, in 44 bytes a place, of which there are at most twice as many as entries: a ring of entries in the order of their
 * arrival, which is where they are dropped from, and an open-addressed index into it. Keys are held as
 * 128-bit hashes. Only raises: a value never falls, and an entry only goes when it is dropped.
 */
export class RevocationTable {
  readonly #hash = createKeyHash()
  readonly #probe = new Uint32Array(LANES)
  #capacity = FIRST_CAPACITY
  #hashes = new Uint32Array(FIRST_CAPACITY * LANES)
  #values = new Float64Array(FIRST_CAPACITY)
  #seqs = new Float64Array(FIRST_CAPACITY)
  /** Seconds since 1970, rounded up. */
  #keepUntil = new Uint32Array(FIRST_CAPACITY)
  /** Ring slot + 1 of the newest entry of a key; 0 is empty. At most half full. */
  #index = new Uint32Array(FIRST_CAPACITY * 2)
  #head = 0
  #size = 0

  /** How many entries there are, a key that was revoked again counting each time until it is dropped. */
  get size(): number {
    return this.#size
  }

  /** The value held for the key, or -1 if none is. */
  get(kind: number, key: string): number {
    if (this.#size === 0) return -1
    this.#hash(kind, key, this.#probe)
    const slot = this.#index[this.#find(this.#probe, 0)] ?? 0
    return slot === 0 ? -1 : (this.#values[slot - 1] ?? -1)
  }

  /** Takes an entry in. What is held already, as new and as high, changes nothing. `keepUntil` in ms. */
  set(kind: number, key: string, value: number, seq: number, keepUntil: number): void {
    if (this.#size === this.#capacity) this.#grow()
    this.#hash(kind, key, this.#probe)
    const at = this.#find(this.#probe, 0)
    const held = (this.#index[at] ?? 0) - 1
    let highest = value
    if (held >= 0) {
      const heldValue = this.#values[held] ?? 0
      if ((this.#seqs[held] ?? 0) >= seq && heldValue >= value) return
      highest = Math.max(value, heldValue)
    }
    const slot = (this.#head + this.#size) % this.#capacity
    this.#hashes.set(this.#probe, slot * LANES)
    this.#values[slot] = highest
    this.#seqs[slot] = seq
    this.#keepUntil[slot] = Math.ceil(keepUntil / 1000)
    this.#index[at] = slot + 1
    this.#size++
  }

  /** Drops entries up to `base` from the front, as far as `now` (ms) lies past the time they are to be kept. */
  drop(base: number, now: number): void {
    while (this.#size > 0) {
      const slot = this.#head
      if ((this.#seqs[slot] ?? 0) > base || (this.#keepUntil[slot] ?? 0) * 1000 > now) return
      this.#forget(slot)
      this.#head = (slot + 1) % this.#capacity
      this.#size--
    }
  }

  /** Drops everything. What room was made stays. */
  clear(): void {
    this.#index.fill(0)
    this.#head = 0
    this.#size = 0
  }

  /** Index place of the hash at `offset` in `hashes`, or the empty place where it would go. */
  #find(hashes: Uint32Array, offset: number): number {
    const mask = this.#index.length - 1
    let at = (hashes[offset] ?? 0) & mask
    for (;;) {
      const slot = this.#index[at] ?? 0
      if (slot === 0 || this.#same(slot - 1, hashes, offset)) return at
      at = (at + 1) & mask
    }
  }

  #same(slot: number, hashes: Uint32Array, offset: number): boolean {
    const own = slot * LANES
    for (let lane = 0; lane < LANES; lane++)
      if (this.#hashes[own + lane] !== hashes[offset + lane]) return false
    return true
  }

  /** Takes the entry out of the index, unless a newer one has its key, and closes the gap (Knuth 6.4 R). */
  #forget(slot: number): void {
    const index = this.#index
    const mask = index.length - 1
    let gap = this.#find(this.#hashes, slot * LANES)
    if (index[gap] !== slot + 1) return
    for (let at = (gap + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const home = (this.#hashes[((index[at] ?? 1) - 1) * LANES] ?? 0) & mask
      if (((at - home) & mask) < ((at - gap) & mask)) continue
      index[gap] = index[at] ?? 0
      gap = at
    }
    index[gap] = 0
  }

  #grow(): void {
    const capacity = this.#capacity * 2
    this.#hashes = unroll(this.#hashes, new Uint32Array(capacity * LANES), this.#head * LANES)
    this.#values = unroll(this.#values, new Float64Array(capacity), this.#head)
    this.#seqs = unroll(this.#seqs, new Float64Array(capacity), this.#head)
    this.#keepUntil = unroll(this.#keepUntil, new Uint32Array(capacity), this.#head)
    this.#capacity = capacity
    this.#head = 0
    this.#index = new Uint32Array(capacity * 2)
    for (let slot = 0; slot < this.#size; slot++)
      this.#index[this.#find(this.#hashes, slot * LANES)] = slot + 1
  }
}

/** Copies a full ring into a larger array, beginning with its oldest entry. */
function unroll<T extends Uint32Array | Float64Array>(ring: T, into: T, start: number): T {
  into.set(ring.subarray(start))
  into.set(ring.subarray(0, start), ring.length - start)
  return into
}
