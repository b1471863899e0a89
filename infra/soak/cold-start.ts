import { randomBytes, randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { AckSchema, EVENT_FIELD, formatEvent, revocationKeys } from '@portcullis/schemas'
import { createVerifier } from '@portcullis/token-verifier'
import { homeFolder } from '../dev/places.ts'
import { freePort } from '../dev/ports.ts'
import { Guard } from '../dev/processes.ts'
import { findRedis } from '../dev/redis-program.ts'
import { startRedis } from '../dev/redis.ts'
import { runMain } from '../dev/run-main.ts'
import { say } from '../dev/screen.ts'

/** How long a verifier takes to serve that starts with a full log. Printed, and never fails: it depends on the machine. */
const EVENTS = 1_000_000
const BATCH = 5000
const BEAT_MS = 100
const KEPT_MS = 3_900_000
const CLIENT = 'content'

const isAck = Compile(AckSchema)
const isHash = Compile(Type.Record(Type.String(), Type.String()))

async function fill(redis: Redis): Promise<void> {
  const at = Date.now()
  for (let seq = 1; seq <= EVENTS;) {
    const pipeline = redis.pipeline()
    for (const end = seq + BATCH; seq < end; seq++) {
      const event = { epoch: 1, seq, kind: 'session' as const, key: randomUUID(), value: 0 }
      const text = formatEvent({ ...event, keep_until: at + KEPT_MS, at })
      pipeline.xadd(revocationKeys.log, `1-${seq}`, EVENT_FIELD, text)
    }
    await pipeline.exec()
  }
}

/** Says what the relay of auth says, as far as a verifier needs it. */
async function beat(redis: Redis): Promise<void> {
  const acks: unknown = await redis.hgetall(revocationKeys.ack(CLIENT))
  const marks = Object.entries(isHash.Check(acks) ? acks : {}).map(([name, text]) => {
    const ack: unknown = JSON.parse(text)
    return [`${CLIENT}/${name}`, isAck.Check(ack) ? ack.mark : '']
  })
  const fields = ['epoch', 1, 'seq', EVENTS, 'base', 0, 'marks', JSON.stringify(Object.fromEntries(marks))]
  await redis.xadd(revocationKeys.beat, 'MAXLEN', '~', 100, '*', ...fields)
}

async function main(): Promise<number> {
  const guard = new Guard()
  const folder = homeFolder(`cold-start-${process.pid}`)
  const server = await startRedis({
    program: (await findRedis()).path,
    folder: join(folder, 'redis'),
    port: await freePort(),
    password: randomBytes(16).toString('hex'),
    log: join(folder, 'redis.log'),
    onSpawn: guard.watch.bind(guard),
  })
  const redis = new Redis(`${server.url}/1`, { protocol: 2 })
  try {
    await fill(redis)
    const timer = setInterval(() => void beat(redis), BEAT_MS)
    const verifier = createVerifier({
      issuer: 'http://localhost',
      audience: 'portcullis',
      keys: { find: () => undefined },
      clientId: CLIENT,
      redisUrl: `${server.url}/1`,
    })
    const [began, cpu] = [performance.now(), process.cpuUsage()]
    verifier.start()
    await verifier.whenReady(AbortSignal.timeout(120_000))
    const { user, system } = process.cpuUsage(cpu)
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    clearInterval(timer)
    say(
      'cold start',
      `${verifier.entries} events: ready after ${seconds} s, ${((user + system) / 1e6).toFixed(1)} s of them on a processor; load ${loadavg()[0]?.toFixed(1)}`,
    )
    await verifier.close()
    return 0
  } finally {
    redis.disconnect()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

await runMain(main)
