import { Compile } from 'typebox/schema'
import {
  AckSchema,
  EVENT_FIELD,
  formatEvent,
  formatPosition,
  revocationKeys,
  type Ack,
} from '@portcullis/schemas'
import type { RevocationLog, Teardown } from '@portcullis/test-kit'
import { createRedis, type RedisClient } from '@portcullis/token-verifier/redis'

const ack = Compile(AckSchema)
const BEAT_MS = 100

/** Carries a test issuer's log to Redis in the way auth's relay does, as far as verifiers can tell. */
export class TestRelay {
  readonly redis: RedisClient
  readonly #log: RevocationLog
  readonly #clientId: string
  #timer: NodeJS.Timeout | undefined
  #step: Promise<void> = Promise.resolve()

  constructor(t: Teardown, url: string, log: RevocationLog, clientId: string) {
    this.#log = log
    this.#clientId = clientId
    this.redis = createRedis(url, {
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      retryStrategy: () => 20,
    })
    this.redis.on('error', () => undefined)
    t.teardown(() => {
      this.pause()
      forget()
      this.redis.disconnect()
    })
    const forget = log.onChange(() => {
      if (this.#timer) this.poke()
    })
  }

  start(): void {
    this.#timer = setInterval(() => this.poke(), BEAT_MS)
    this.poke()
  }

  pause(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  poke(): void {
    this.#step = this.#step.then(() => this.#carry()).catch(() => undefined)
  }

  /** What verifiers say of themselves now. */
  async acks(): Promise<Map<string, Ack>> {
    const hash = await this.redis.hgetall(revocationKeys.ack(this.#clientId))
    const acks = new Map<string, Ack>()
    for (const [name, text] of Object.entries(hash)) {
      const parsed: unknown = JSON.parse(text)
      if (ack.Check(parsed)) acks.set(name, parsed)
    }
    return acks
  }

  async #carry(): Promise<void> {
    const marks = [...(await this.acks())].map(([name, { mark }]) => [`${this.#clientId}/${name}`, mark])
    const { head, events } = this.#log
    const last = await this.redis.xrevrange(revocationKeys.log, '+', '-', 'COUNT', 1)
    const seq = Number(last[0]?.[0].split('-')[1] ?? head.base)
    const pipeline = this.redis.multi()
    for (const event of events) {
      if (event.seq <= seq) continue
      pipeline.xadd(revocationKeys.log, formatPosition(event), EVENT_FIELD, formatEvent(event))
    }
    const beat = { ...head, marks: JSON.stringify(Object.fromEntries(marks)) }
    pipeline.xadd(revocationKeys.beat, 'MAXLEN', '~', 100, '*', ...Object.entries(beat).flat())
    await pipeline.exec()
  }
}
