import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import fc from 'fast-check'
import { Turns } from '../src/features/signup/turns.ts'

const waitedInVain = new Error('waited in vain')
const turnsOf = (patienceMs: number) => new Turns({ patienceMs, impatience: () => waitedInVain })

t.test('jobs of one key run one after another, in order, whatever becomes of each', async () => {
  const jobs = fc.array(fc.record({ key: fc.constantFrom('a', 'b'), ms: fc.nat(2), isBad: fc.boolean() }))
  await fc.assert(
    fc.asyncProperty(jobs, async (jobs) => {
      const turns = turnsOf(10_000)
      const running = new Set<string>()
      const done: number[] = []
      const answers = await Promise.allSettled(
        jobs.map(({ key, ms, isBad }, id) =>
          turns.take(key, async () => {
            if (running.has(key)) throw new Error('two at once')
            running.add(key)
            await setTimeout(ms)
            running.delete(key)
            done.push(id)
            if (isBad) throw new Error('bad')
            return id
          }),
        ),
      )
      for (const [id, answer] of answers.entries()) {
        const outcome = answer.status === 'fulfilled' ? answer.value : String(answer.reason)
        if (outcome !== (jobs[id]?.isBad === true ? 'Error: bad' : id)) return false
      }
      const ofKey = (key: string) => done.filter((id) => jobs[id]?.key === key)
      return ['a', 'b'].every(
        (key) =>
          ofKey(key).join() ===
          ofKey(key)
            .toSorted((x, y) => x - y)
            .join(),
      )
    }),
    { numRuns: 50 },
  )
})

t.test('who has waited for too long is refused, and the job is not done afterwards', async (t) => {
  const turns = turnsOf(20)
  const { promise, resolve } = Promise.withResolvers<string>()
  const first = turns.take('a', () => promise)
  let ran = 0
  const count = async () => ++ran
  const others = await Promise.allSettled([turns.take('a', count), turns.take('a', count)])
  t.strictSame(
    others.map((other) => other.status === 'rejected' && other.reason),
    [waitedInVain, waitedInVain],
  )
  resolve('first')
  t.equal(await first, 'first', 'whoever has begun is not')
  t.equal(await turns.take('a', count), 1)
})
