import { setTimeout as sleep } from 'node:timers/promises'
import fp from 'fastify-plugin'
import { Type } from 'typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ref } from '@portcullis/schemas'
import { noStore } from '../http/no-store.ts'
import { RETRY_SOON, problem } from '../problems/problem.ts'
import { problemResponses } from '../problems/responses.ts'

/** Resolves if the dependency is usable, and throws if it is not. */
export type HealthCheck = () => Promise<void> | void

const CHECK_TIMEOUT_MS = 1000
/** How long a result is given to the next asker, so that probes are no load. */
const RESULT_AGE_MS = 250
/** How soon whoever waits for it looks again. */
const LOOK_AGAIN_MS = 5

export class Health {
  readonly #checks = new Map<string, HealthCheck>()
  #draining = false
  #last: { at: number; result: Promise<string[]> } | undefined

  /** Makes readiness depend on the check. */
  add(name: string, check: HealthCheck): void {
    this.#checks.set(name, check)
  }

  /** From now on readiness fails, so that no new requests are sent here. */
  drain(): void {
    this.#draining = true
  }

  get isDraining(): boolean {
    return this.#draining
  }

  /** Names of what is not ready. */
  async failing(): Promise<string[]> {
    if (this.#draining) return ['stopping']
    const now = performance.now()
    if (this.#last === undefined || now - this.#last.at > RESULT_AGE_MS) {
      this.#last = { at: now, result: this.#run() }
    }
    return this.#last.result
  }

  /** Waits until all is ready, or for so long, in milliseconds. */
  async untilReady(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    while ((await this.#run()).length > 0 && performance.now() < deadline) await sleep(LOOK_AGAIN_MS)
  }

  async #run(): Promise<string[]> {
    const results = await Promise.all(
      [...this.#checks].map(async ([name, check]) => ((await passes(check)) ? [] : [name])),
    )
    return results.flat()
  }
}

async function passes(check: HealthCheck): Promise<boolean> {
  const abort = new AbortController()
  const late = sleep(CHECK_TIMEOUT_MS, false, { signal: abort.signal }).catch(() => false)
  try {
    return await Promise.race([Promise.resolve(check()).then(() => true), late])
  } catch {
    return false
  } finally {
    abort.abort()
  }
}

const StatusSchema = Type.Object(
  { status: Type.Literal('ok') },
  { $id: 'Health', description: 'It is well', examples: [{ status: 'ok' }] },
)

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.addSchema(StatusSchema)
  app.addHook('onSend', noStore)
  const config = { rateLimit: false, quiet: true } as const

  app.get(
    '/health/live',
    {
      config,
      schema: {
        summary: 'Whether the process runs',
        description: 'Asks no dependency: who fails here is to be started again.',
        operationId: 'getLiveness',
        tags: ['health'],
        response: { 200: ref(StatusSchema) },
      },
    },
    async () => ({ status: 'ok' as const }),
  )

  app.get(
    '/health/ready',
    {
      config,
      schema: {
        summary: 'Whether requests should be sent here',
        description: 'Asks every store that the service needs; fails also while the service stops.',
        operationId: 'getReadiness',
        tags: ['health'],
        response: { 200: ref(StatusSchema), ...problemResponses('UNAVAILABLE') },
      },
    },
    async () => {
      const failing = await app.health.failing()
      if (failing.length > 0) {
        throw problem('UNAVAILABLE', {
          detail: `Not ready: ${failing.join(', ')}.`,
          headers: RETRY_SOON,
        })
      }
      return { status: 'ok' as const }
    },
  )
}

/** Decorates `app.health` and answers `/health/live` and `/health/ready`. */
export default fp(
  async (app) => {
    app.decorate('health', new Health())
    await app.register(routes)
  },
  { name: 'health', fastify: '5.x' },
)

declare module 'fastify' {
  interface FastifyInstance {
    health: Health
  }
}
