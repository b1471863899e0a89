import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Teardown } from '@portcullis/test-kit'
import { createVerifier, StaleError, type Verifier } from '@portcullis/token-verifier'
import { call, type Reply } from '../chaos/users.ts'
import { walk } from '../dev/walk-fetch.ts'
import { steps } from '../dev/walk-steps.ts'
import { startPair, type Pair } from '../test/support/pair.ts'

const PASSWORD = 'as good as any other'
const PATIENCE_MS = 30_000
const OUTSIDER = 'outsider'

/** Where each finds its Redis; the services by the number of the logical database. */
export interface RedisUrls {
  auth(db: number): string
  content(db: number): string
  readonly outsider: string
}

/** What became of a token. */
type Verdict = 'accepted' | 'refused' | 'undecided'

/** What a fault has shown. */
export interface Finding {
  readonly logouts: number
  /** Answers to them, by status. */
  readonly statuses: Readonly<Record<number, number>>
  /** Tokens that somebody took for good after their logout had been answered with 200, or at the end. */
  readonly accepted: number
  /** From the harm until a logout was answered with 200 and everybody served. */
  readonly repairedMs: number
}

/** Auth, content and a verifier of somebody else, on a Redis of any kind. */
export class World {
  readonly pair: Pair
  readonly outsider: Verifier
  readonly #redisUrls: RedisUrls

  private constructor(pair: Pair, outsider: Verifier, redisUrls: RedisUrls) {
    this.pair = pair
    this.outsider = outsider
    this.#redisUrls = redisUrls
  }

  static async start(t: Teardown, urls: RedisUrls, log: string): Promise<World> {
    const shared = { RATE_LIMIT_MAX: '0', LOG_LEVEL: 'info' }
    const pair = await startPair(t, {
      log,
      auth: {
        ...shared,
        CACHE_REDIS_URL: urls.auth(0),
        REVOCATION_REDIS_URL: urls.auth(1),
        SESSION_REDIS_URL: urls.auth(2),
        LOGIN_THROTTLE: 'off',
        ARGON2_MEMORY_KIB: '8',
        ARGON2_TIME_COST: '1',
      },
      content: { ...shared, CACHE_REDIS_URL: urls.content(0), REVOCATION_REDIS_URL: urls.content(1) },
    })
    await pair.newClient(OUTSIDER, 'revocations:read')
    const world = new World(pair, verifierOf(pair, urls.outsider), urls)
    t.teardown(() => world.outsider.close())
    world.outsider.start()
    await world.outsider.whenReady(AbortSignal.timeout(PATIENCE_MS))
    return world
  }

  /** Makes the walk, and tells what did not go as it should. */
  async walk(): Promise<string[]> {
    const wrong: string[] = []
    let taken = 0
    for await (const { step, status, text } of walk(this.pair.origin)) {
      taken++
      if (status !== step.status) wrong.push(`${step.title}: ${status} ${text}`)
    }
    return taken === steps.length ? wrong : [...wrong, `${taken} of ${steps.length} steps`]
  }

  /** The access tokens of so many logins of a new user. */
  async tokens(count: number): Promise<string[]> {
    const username = `full-${randomBytes(6).toString('hex')}`
    const body = { username, password: PASSWORD }
    await this.#call('POST', '/signup', undefined, body)
    const tokens: string[] = []
    for (let i = 0; i < count; i++) {
      const answer = await this.#call('POST', '/login', undefined, body)
      const token: unknown = Reflect.get(Object(answer.body), 'access_token')
      if (typeof token !== 'string') throw new Error(`login answered ${answer.status}`)
      tokens.push(token)
    }
    return tokens
  }

  /**
   * Logs out one after the other, does harm meanwhile, and looks after each answer who still takes the token for
   * good; and at the end, with a verifier that has just started, whether anything is alive again.
   */
  async underLogouts(count: number, harm: () => Promise<unknown>): Promise<Finding> {
    const tokens = await this.tokens(count)
    const statuses: Record<number, number> = {}
    let accepted = 0
    const quarter = Math.floor(count / 4)
    let harmedAt = 0
    let harming: Promise<unknown> | undefined
    for (const [index, token] of tokens.entries()) {
      if (index === quarter) {
        harmedAt = performance.now()
        harming = harm()
      }
      const { status } = await this.#call('POST', '/logout', token)
      statuses[status] = (statuses[status] ?? 0) + 1
      if (status === 200) accepted += await this.#accepting(token)
    }
    await harming
    const repairedMs = (await this.#untilRepaired(tokens)) - harmedAt
    const fresh = verifierOf(this.pair, this.#redisUrls.outsider)
    fresh.start()
    await fresh.whenReady(AbortSignal.timeout(PATIENCE_MS))
    for (const token of tokens)
      accepted += (await this.#accepting(token)) + ((await judge(fresh, token)) === 'accepted' ? 1 : 0)
    await fresh.close()
    return { logouts: count, statuses, accepted, repairedMs }
  }

  /** When a logout was answered with 200, and everybody served. What was not answered before is asked for again. */
  async #untilRepaired(tokens: readonly string[]): Promise<number> {
    const deadline = performance.now() + PATIENCE_MS
    for (const token of tokens) await this.#insist(token, deadline)
    for (;;) {
      if (performance.now() > deadline) throw new Error('not repaired after 30 s')
      const [token = ''] = await this.tokens(1)
      const before = [await this.#askContent(token), await judge(this.outsider, token)]
      const { status } = await this.#call('POST', '/logout', token)
      const now = performance.now()
      if (status === 200 && before.every((verdict) => verdict === 'accepted')) {
        if ((await this.#accepting(token)) > 0) throw new Error('accepted after its logout')
        return now
      }
      await sleep(50)
    }
  }

  async #insist(token: string, deadline: number): Promise<void> {
    for (;;) {
      const { status } = await this.#call('POST', '/logout', token)
      if ([200, 202, 401].includes(status)) return
      if (performance.now() > deadline) throw new Error(`a logout is answered with ${status} for good`)
      await sleep(50)
    }
  }

  /** How many take the token for good. */
  async #accepting(token: string): Promise<number> {
    const verdicts = await Promise.all([this.#askContent(token), judge(this.outsider, token)])
    return verdicts.filter((verdict) => verdict === 'accepted').length
  }

  async #askContent(token: string): Promise<Verdict> {
    const { status } = await this.#call('GET', '/tasks?limit=1', token)
    return status === 200 ? 'accepted' : status === 401 ? 'refused' : 'undecided'
  }

  /** A request to the origin; status 0 if there was no answer. */
  #call(method: string, path: string, token?: string, body?: object): Promise<Reply> {
    return call({ url: this.pair.origin }, method, path, {
      ...(token !== undefined && { token }),
      ...(body && { body }),
    })
  }
}

function verifierOf(pair: Pair, redisUrl: string): Verifier {
  return createVerifier({
    issuer: pair.origin,
    audience: 'portcullis',
    jwksUrl: `${pair.authUrl}/.well-known/jwks.json`,
    clientId: OUTSIDER,
    redisUrl,
  })
}

async function judge(verifier: Verifier, token: string): Promise<Verdict> {
  return verifier.verify(token).then(
    () => 'accepted' as const,
    (error: unknown) => (error instanceof StaleError ? 'undecided' : 'refused'),
  )
}

/** For people. */
export function tell(name: string, { logouts, statuses, accepted, repairedMs }: Finding): string {
  const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`)
  return `${name}: ${logouts} logouts (${answers.join(', ')}), accepted ${accepted}, repaired in ${(repairedMs / 1000).toFixed(1)} s`
}
