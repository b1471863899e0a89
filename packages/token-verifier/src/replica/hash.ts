/** 128 bits in four lanes, written into `out`: long enough that two keys never meet by chance. */
export type KeyHash = (kind: number, key: string, out: Uint32Array) => void

/**
 * A hash of its own for each table (cyrb128 with random seeds), so that nobody can prepare keys that share a
 * slot. Not cryptographic: whoever writes to the log needs no collision to do harm.
 */
export function createKeyHash(): KeyHash {
  const [seedA = 0, seedB = 0, seedC = 0, seedD = 0] = crypto.getRandomValues(new Uint32Array(4))
  return (kind, key, out) => {
    let a = seedA
    let b = seedB
    let c = seedC
    let d = seedD
    for (let i = -1; i < key.length; i++) {
      const unit = i < 0 ? kind : key.charCodeAt(i)
      a = b ^ Math.imul(a ^ unit, 597399067)
      b = c ^ Math.imul(b ^ unit, 2869860233)
      c = d ^ Math.imul(c ^ unit, 951274213)
      d = a ^ Math.imul(d ^ unit, 2716044179)
    }
    a = Math.imul(c ^ (a >>> 18), 597399067)
    b = Math.imul(d ^ (b >>> 22), 2869860233)
    c = Math.imul(a ^ (c >>> 17), 951274213)
    d = Math.imul(b ^ (d >>> 19), 2716044179)
    out[0] = a ^ b ^ c ^ d
    out[1] = b ^ a
    out[2] = c ^ a
    out[3] = d ^ a
  }
}
