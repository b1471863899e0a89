import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { timed } from '../src/timed.ts'

/** Takes so much of a processor, however long that lasts. */
const keepBusy = (cpuMs: number) => {
  const from = process.cpuUsage()
  let used = 0
  while (used < cpuMs * 1000) {
    const { user, system } = process.cpuUsage(from)
    used = user + system
  }
}

t.test('a wait is counted', async (t) => {
  let longest = 0
  // The machine may take its own out of some.
  for (let attempt = 0; attempt < 50 && longest < 80; attempt++) {
    const [result, ms] = await timed(() => sleep(100, 'done'))
    t.equal(result, 'done')
    longest = Math.max(longest, ms)
  }
  t.ok(longest >= 80, `${longest} ms`)
})

t.test('what the process does by itself is counted', async (t) => {
  const [, ms] = await timed(async () => {
    await sleep(20)
    keepBusy(300)
  })
  t.ok(ms >= 250, `${ms} ms`)
})

t.test('a time in which the process was halted is not counted', async (t) => {
  const halt = `kill -STOP ${process.pid}; sleep 1; kill -CONT ${process.pid}`
  const [, ms] = await timed(async () => {
    await sleep(20)
    await once(spawn('/bin/sh', ['-c', halt], { stdio: 'ignore' }), 'exit')
  })
  t.ok(ms < 900, `${ms} ms`)
})

t.test('what the work throws is passed on', async (t) => {
  await t.rejects(
    timed(() => Promise.reject(new Error('no'))),
    { message: 'no' },
  )
})
