import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import { withExpressJwt, withGetJwks, withJose, type Admits } from '../test/support/libraries.ts'
import { startPair, type Pair } from '../test/support/pair.ts'
import { newUser } from '../test/support/user.ts'

const USERS = 6
/** The keys are read again by every instance within a second. */
const PATIENCE_MS = 10_000

const kidOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid

/** Users who refresh again and again, and verifiers that look at their newest tokens all the time. */
class Load {
  readonly #pair: Pair
  readonly #tokens: string[] = []
  readonly #refused: string[] = []
  readonly #ends: Promise<unknown>[] = []
  #checks = 0
  #isOver = false

  constructor(pair: Pair) {
    this.#pair = pair
  }

  /** The newest access token of each user. */
  get tokens(): readonly string[] {
    return [...this.#tokens]
  }

  async start(verifiers: Readonly<Record<string, Admits>>): Promise<void> {
    const pairs = await Promise.all(
      Array.from({ length: USERS }, async () => (await newUser(this.#pair)).login()),
    )
    for (const [user, { access_token, refresh_token }] of pairs.entries()) {
      this.#tokens[user] = access_token
      this.#ends.push(this.#refresh(user, refresh_token))
    }
    for (const [name, admits] of Object.entries(verifiers)) this.#ends.push(this.#poll(name, admits))
  }

  /** Goes on for so many looks by each verifier. */
  async goOn(verifiers: number, looks: number): Promise<void> {
    const until = this.#checks + verifiers * looks
    while (this.#checks < until) await sleep(10)
  }

  /** Until every user's token is signed by another key than this one. */
  async leaves(kid: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while (this.#tokens.some((token) => kidOf(token) === kid)) {
      if (performance.now() > deadline) throw new Error(`tokens are still signed by ${kid}`)
      await sleep(10)
    }
  }

  /** @returns what was refused, and by whom */
  async stop(): Promise<readonly string[]> {
    this.#isOver = true
    await Promise.all(this.#ends)
    return this.#refused
  }

  async #refresh(user: number, first: string): Promise<void> {
    let refresh_token = first
    while (!this.#isOver) {
      const response = await fetch(`${this.#pair.origin}/api/v1/refresh`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ refresh_token }),
      })
      const answer = (await response.json()) as { access_token: string; refresh_token: string }
      if (response.status === 200) this.#tokens[user] = answer.access_token
      else this.#refused.push(`refresh ${response.status}`)
      refresh_token = answer.refresh_token
      await sleep(100)
    }
  }

  async #poll(name: string, admits: Admits): Promise<void> {
    for (let look = 0; !this.#isOver; look++) {
      const token = this.#tokens[look % USERS] ?? ''
      if (!(await admits(token))) this.#refused.push(`${name} ${kidOf(token)}`)
      this.#checks++
      await sleep(50)
    }
  }
}

const withContent = ({ contentUrl }: Pair): Admits => {
  return async (token) => (await statusOf(contentUrl, token)) === 200
}

async function statusOf(contentUrl: string, token: string): Promise<number> {
  const response = await fetch(`${contentUrl}/api/v1/tasks`, {
    headers: { authorization: `Bearer ${token}` },
  })
  await response.body?.cancel()
  return response.status
}

/** Verifiers that have just read the keys. */
async function verifiersOf(t: Test, pair: Pair): Promise<Readonly<Record<string, Admits>>> {
  return {
    jose: withJose(pair.origin),
    'get-jwks': withGetJwks(pair.origin),
    'express-jwt': await withExpressJwt(t, pair.origin),
    content: withContent(pair),
  }
}

/** As if the keys had been made so long ago. */
async function age({ databases }: Pair, interval: string): Promise<void> {
  const client = new pg.Client({ connectionString: databases.auth })
  await client.connect()
  await client.query('update signing_keys set created_at = created_at - $1::interval', [interval])
  await client.end()
}

t.test('while users and verifiers are at work', async (t) => {
  const settings = { RATE_LIMIT_MAX: '0', LOGIN_THROTTLE: 'off' }
  const pair = await startPair(t, { auth: settings, content: settings })

  await t.test('a rotation of the signing key makes no verifier refuse a token', async (t) => {
    const load = new Load(pair)
    const verifiers = await verifiersOf(t, pair)
    const count = Object.keys(verifiers).length
    await load.start(verifiers)
    await load.goOn(count, 20)
    const before = load.tokens
    const kid = kidOf(before[0] ?? '')
    await age(pair, '7 minutes')
    await pair.portcullis('keys', 'rotate')
    await load.leaves(kid)
    await load.goOn(count, 20)
    for (const [name, admits] of Object.entries(verifiers))
      for (const token of before) t.equal(await admits(token), true, `${name} takes the token of before`)
    t.strictSame(await load.stop(), [])
  })

  await t.test(
    'tokens of a compromised key are refused by content before the command returns, and no others are',
    async (t) => {
      const load = new Load(pair)
      const verifiers = await verifiersOf(t, pair)
      await load.start(verifiers)
      await load.goOn(Object.keys(verifiers).length, 20)
      const before = load.tokens
      const kid = kidOf(before[0] ?? '')
      await pair.portcullis('keys', 'rotate', '--compromised')
      const statuses = await Promise.all(before.map((token) => statusOf(pair.contentUrl, token)))
      t.strictSame(
        statuses,
        before.map((token) => (kidOf(token) === kid ? 401 : 200)),
      )
      await load.leaves(kid)
      await load.goOn(Object.keys(verifiers).length, 20)
      const refused = await load.stop()
      t.strictSame(
        refused.filter((refusal) => !refusal.endsWith(kid)),
        [],
      )
    },
  )
})
