import t, { type Test } from 'tap'
import { during, showLogLine } from '../dev/screen.ts'

/** What was printed while `work` ran, without colours. */
function printed(t: Test, work: () => void): string[] {
  const lines = t.capture(console, 'log')
  work()
  return lines().map(({ args }) => String(args[0]))
}

t.test('of a log only warnings are shown, and none of before the service spoke', async (t) => {
  const line = (level: number, time: number) => JSON.stringify({ level, time, msg: `${level} at ${time}` })
  const shown = printed(t, () => {
    for (const level of [30, 40, 50])
      for (const time of [99, 100]) showLogLine('auth', line(level, time), 100)
  })
  t.strictSame(
    shown.map((text) => /\d+ at \d+/.exec(text)?.[0]),
    ['40 at 100', '50 at 100'],
  )
})

t.test('what is under way gives its result, or its error', async (t) => {
  t.equal(await during('work', Promise.resolve(1)), 1)
  await t.rejects(during('work', Promise.reject(new Error('no'))), { message: 'no' })
})
