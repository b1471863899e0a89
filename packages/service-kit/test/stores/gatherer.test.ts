import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import fc from 'fast-check'
import { Gatherer } from '../../src/stores/gatherer.ts'

const ended = new Error('everything has ended')
const waitedInVain = { code: 'UNAVAILABLE', headers: { 'retry-after': '1' } }

interface Item {
  readonly id: number
  readonly isBad: boolean
}

/** Does good items after some turns of the event loop, and nothing at all if there is a bad one among them. */
function gathererOf(turns: () => number) {
  const seen = { done: [] as number[], sizes: [] as number[], most: 0 }
  let running = 0
  const gatherer = new Gatherer<Item, number>({
    run: async (items) => {
      running += 1
      seen.most = Math.max(seen.most, running)
      seen.sizes.push(items.length)
      for (let i = turns(); i > 0; i--) await nextTurn()
      running -= 1
      const bad = items.filter(({ isBad }) => isBad)
      if (bad.length > 0) throw new Error(`bad: ${bad.map(({ id }) => id).join()}`)
      seen.done.push(...items.map(({ id }) => id))
      return items.map(({ id }) => id)
    },
    isEveryones: (error) => error === ended,
    patienceMs: 10_000,
  })
  return { gatherer, seen }
}

t.test('each is answered for itself alone, and what can be done is done once and in order', async (t) => {
  const asked = fc.array(fc.record({ isBad: fc.boolean(), pause: fc.nat(2) }), {
    minLength: 5,
    maxLength: 40,
  })
  const turns = fc.array(fc.nat(8), { minLength: 1, maxLength: 10 })
  let together = 0
  await fc.assert(
    fc.asyncProperty(asked, turns, async (asked, turns) => {
      let runs = 0
      const { gatherer, seen } = gathererOf(() => turns[runs++ % turns.length] ?? 0)
      const answers: Promise<number | string>[] = []
      for (const [id, { isBad, pause }] of asked.entries()) {
        answers.push(gatherer.do({ id, isBad }).catch((error: unknown) => String(error)))
        for (let i = pause; i > 0; i--) await nextTurn()
      }
      const expected = asked.map(({ isBad }, id) => (isBad ? `Error: bad: ${id}` : id))
      t.strictSame(await Promise.all(answers), expected)
      t.strictSame(
        seen.done,
        expected.filter((answer) => typeof answer === 'number'),
      )
      t.ok(seen.most <= 1, 'one run at a time')
      together += seen.sizes.filter((size) => size > 1).length
    }),
    { numRuns: 100 },
  )
  t.ok(together > 100, 'much of it was done together')
})

t.test('a hundred at most are done together', async (t) => {
  const { gatherer, seen } = gathererOf(() => 1)
  await Promise.all(Array.from({ length: 250 }, (_, id) => gatherer.do({ id, isBad: false })))
  t.strictSame(seen.sizes, [1, 100, 100, 49])
})

t.test('what would have met each of them alone is not tried again', async (t) => {
  let fails = true
  const tried: string[] = []
  const gatherer = new Gatherer<string, string>({
    run: async (items) => {
      tried.push(items.join(''))
      await nextTurn()
      if (fails) throw ended
      return items
    },
    isEveryones: (error) => error === ended,
  })
  await Promise.all(['a', 'b', 'c'].map((item) => t.rejects(gatherer.do(item), ended)))
  t.strictSame(tried, ['a', 'bc'])
  fails = false
  t.equal(await gatherer.do('d'), 'd')
})

t.test('whoever has waited for too long is told so, and nothing is done for it any more', async (t) => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const done: string[] = []
  const gatherer = new Gatherer<string, string>({
    run: async (items) => {
      await released
      done.push(...items)
      return items
    },
    isEveryones: () => false,
    patienceMs: 20,
  })
  const first = gatherer.do('a')
  await t.rejects(gatherer.do('b'), waitedInVain)
  const third = gatherer.do('c')
  release()
  t.strictSame(await Promise.all([first, third]), ['a', 'c'])
  t.strictSame(done, ['a', 'c'])
})
