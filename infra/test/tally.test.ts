import { test } from 'tap'
import { isWrong, Tally } from '../chaos/tally.ts'

const answer = {
  id: 1,
  verdicts: [],
  ready: true,
  ageMs: 0,
  seq: 0,
  epoch: 1,
  applied: [],
  entries: 0,
  memory: { heapUsed: 0, arrayBuffers: 0, rss: 0 },
}

function tallyOf(...ready: readonly boolean[]): Tally {
  const verifiers = ready.map((isReady) => ({
    accepted: async () => [],
    ask: async () => ({ ...answer, ready: isReady }),
  }))
  return new Tally({ verifiers, auth: () => ({ url: 'http://127.0.0.1:9' }) }, 100)
}

test('a fault after which a verifier never serves again is wrong, whatever its note says', async (t) => {
  t.equal(isWrong({ ...(await tallyOf(true, false).settle()), note: '3 × 202' }), true)
  t.equal(isWrong({ ...(await tallyOf(true, true).settle()), note: '3 × 202' }), false)
})
