import argon2 from 'argon2'
import fc from 'fast-check'
import t from 'tap'
import { PasswordHasher } from '../src/passwords/hasher.ts'

const CHEAP = { memoryKib: 8, timeCost: 1, parallelism: 1 }
const SHIPPED = { memoryKib: 19_456, timeCost: 2, parallelism: 1 }

/** The binding of the C code that the authors of argon2 wrote, at the cost of ours. */
const byReference = (password: string, { memoryKib: memoryCost, timeCost, parallelism }: typeof SHIPPED) =>
  argon2.hash(password, { memoryCost, timeCost, parallelism })

const passwords = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary', maxLength: 256 }))
const costs = fc
  .record({
    parallelism: fc.integer({ min: 1, max: 4 }),
    timeCost: fc.integer({ min: 1, max: 3 }),
    memoryKib: fc.integer({ min: 32, max: 300 }),
  })
  .chain((cost) => fc.constantFrom(cost, SHIPPED))

t.test('the reference implementation takes our hashes and we take its, at any cost', async () => {
  await fc.assert(
    fc.asyncProperty(passwords, passwords, costs, async (password, other, cost) => {
      const hasher = new PasswordHasher(cost)
      const ours = await hasher.hash(password)
      const theirs = await byReference(password, cost)
      const right = await Promise.all([argon2.verify(ours, password), hasher.verify(theirs, password)])
      const wrong = await Promise.all([argon2.verify(ours, other), hasher.verify(theirs, other)])
      const same = Buffer.from(other).equals(Buffer.from(password))
      return right.every(Boolean) && wrong.every((taken) => taken === same)
    }),
    // Half of a pair of UTF-16 is no character: both take it for U+FFFD.
    { numRuns: 50, examples: [['\ud800 a password', '\udfff a password', CHEAP]] },
  )
})

t.test('a hash is new only if it was made as hashes are made now', async (t) => {
  const hasher = new PasswordHasher(CHEAP)
  const hash = await hasher.hash('a password')
  t.match(
    hash,
    /^\$argon2id\$v=19\$m=8,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/,
    'the order that is standard',
  )
  t.notOk(hasher.needsRehash(hash))
  t.notOk(hasher.needsRehash(hash.replace('m=8,t=1,p=1', 'm=8,p=1,t=1')), 'the order of another library')
  for (const [is, other] of [
    ['argon2id', 'argon2i'],
    ['v=19', 'v=16'],
    ['m=8', 'm=9'],
    ['t=1', 't=2'],
    ['p=1', 'p=2'],
  ] as const)
    t.ok(hasher.needsRehash(hash.replace(is, other).replace('m=8,t=1,p=2', 'm=16,t=1,p=2')), other)
  t.ok(hasher.needsRehash('$2b$04$l2dGTb9XZfcYyz.cIMaM7u3vObm2JgaHyplNszQP3GL1AUZ3E3QN2'), 'bcrypt')
})
