import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import t from 'tap'
import { RevocationTable } from '../src/replica/table.ts'

/** The same rules over plain lists. */
class Model {
  entries: { key: string; value: number; seq: number; keepUntil: number }[] = []

  get(key: string): number {
    return this.entries.findLast((entry) => entry.key === key)?.value ?? -1
  }

  set(key: string, value: number, seq: number, keepUntil: number): void {
    const held = this.entries.findLast((entry) => entry.key === key)
    if (held && held.seq >= seq && held.value >= value) return
    this.entries.push({ key, value: Math.max(value, held?.value ?? 0), seq, keepUntil })
  }

  clear(): void {
    this.entries = []
  }

  drop(base: number, now: number): void {
    const kept = this.entries.findIndex((entry) => entry.seq > base || entry.keepUntil > now)
    this.entries.splice(0, kept === -1 ? this.entries.length : kept)
  }
}

const KEYS = Array.from({ length: 40 }, (_, i) => `key-${i}`)
const step = fc.oneof(
  {
    weight: 400,
    arbitrary: fc.record({
      kind: fc.nat(1),
      key: fc.constantFrom(...KEYS),
      value: fc.nat(5),
      seq: fc.nat(300),
      keepUntil: fc.nat(50).map((seconds) => seconds * 1000),
    }),
  },
  { weight: 20, arbitrary: fc.record({ base: fc.nat(300), now: fc.nat(50_000) }) },
  { weight: 1, arbitrary: fc.constant('clear' as const) },
)

t.test('holds what a plain list would hold, whatever comes and goes', async (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 3000, size: 'max' }), (steps) => {
      const table = new RevocationTable()
      const model = new Model()
      for (const s of steps) {
        if (s === 'clear') {
          table.clear()
          model.clear()
        } else if ('base' in s) {
          table.drop(s.base, s.now)
          model.drop(s.base, s.now)
        } else {
          table.set(s.kind, s.key, s.value, s.seq, s.keepUntil)
          model.set(`${s.kind}${s.key}`, s.value, s.seq, s.keepUntil)
        }
      }
      t.equal(table.size, model.entries.length)
      for (const kind of [0, 1])
        for (const key of KEYS) t.equal(table.get(kind, key), model.get(`${kind}${key}`))
    }),
    { numRuns: 60 },
  )
})

t.test('keeps every entry while it grows, wraps round and empties', async (t) => {
  const table = new RevocationTable()
  let oldest = 1
  for (let seq = 1; seq <= 20_000; seq++) {
    table.set(0, `key-${seq}`, seq, seq, 0)
    if (seq % 3 === 0) table.drop((oldest += 2) - 1, 1)
  }
  let wrong = 0
  for (let seq = 1; seq <= 20_000; seq++)
    if (table.get(0, `key-${seq}`) !== (seq < oldest ? -1 : seq)) wrong++
  t.equal(wrong, 0)
  table.drop(20_000, 1)
  t.equal(table.size, 0)
})

t.test('keys of different kinds, and keys that share a beginning or an end, are different', async (t) => {
  const table = new RevocationTable()
  const keys = ['', 'a', 'aa', 'ab', 'ba', 'a\u0000', '\u0000a', 'ä', 'a'.repeat(256), 'a'.repeat(255)]
  for (const [i, key] of keys.entries())
    for (const kind of [0, 1, 2]) table.set(kind, key, i * 3 + kind, 1, 0)
  for (const [i, key] of keys.entries())
    for (const kind of [0, 1, 2]) t.equal(table.get(kind, key), i * 3 + kind)
})

t.test('a million entries take at most 64 MB', async (t) => {
  const held = () => {
    collectGarbage()
    return process.memoryUsage().arrayBuffers
  }
  const before = held()
  const table = new RevocationTable()
  for (let seq = 1; seq <= 1_000_000; seq++) table.set(seq % 6, `019a5c3e-8f2a-7c41-${seq}`, 0, seq, 0)
  const megabytes = (held() - before) / 2 ** 20
  t.ok(megabytes <= 64, `${megabytes} MB`)
  const began = performance.now()
  let found = 0
  for (let i = 0; i < 200_000; i++) if (table.get(0, `019a5c3e-8f2a-7c41-9d52-${i}`) >= 0) found++
  const microseconds = (performance.now() - began) / 200
  t.equal(found, 0)
  t.equal(table.get(0, '019a5c3e-8f2a-7c41-6'), 0)
  t.comment(`${megabytes.toFixed(1)} MB, ${microseconds.toFixed(3)} µs a miss`)
})

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc()')
}
