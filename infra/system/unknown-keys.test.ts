import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import t from 'tap'
import { freePort } from '../dev/ports.ts'
import { decode, forge } from '../test/support/forge.ts'
import { startPair } from '../test/support/pair.ts'
import { newUser } from '../test/support/user.ts'

/** An unknown key makes the set be fetched again at most so often. */
const REFETCH_EVERY_MS = 30_000
const TOKENS = 10_000
const AT_A_TIME = 50

/** How often auth has been asked for its keys. */
async function countOfFetches(metricsPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  const counts = text.matchAll(/^http_request_duration_seconds_count\{.*jwks\.json.*\} (\d+)$/gm)
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
}

t.test('10,000 tokens with keys that do not exist are refused and cause one fetch of the keys', async (t) => {
  const metricsPort = await freePort()
  const unlimited = { RATE_LIMIT_MAX: '0', LOG_LEVEL: 'warn' }
  const pair = await startPair(t, {
    auth: { ...unlimited, METRICS_PORT: String(metricsPort) },
    content: unlimited,
  })
  const { access_token } = await (await newUser(pair)).login()
  const [header, claims] = access_token.split('.', 2).map((part) => decode(part))
  const agent = new Agent({ keepAlive: true, maxSockets: AT_A_TIME })
  t.teardown(() => agent.destroy())
  const ask = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    const [response]: IncomingMessage[] = await once(
      get(`${pair.contentUrl}/api/v1/tasks`, { agent, headers }),
      'response',
    )
    response?.resume()
    return response?.statusCode
  }
  const before = await countOfFetches(metricsPort)
  const began = performance.now()
  const statuses = new Map<number | undefined, number>()
  let left = TOKENS
  const worker = async () => {
    while (left-- > 0) {
      const kid = randomBytes(32).toString('base64url')
      const status = await ask(forge({ ...header, kid }, claims, () => randomBytes(64)))
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, worker))

  t.strictSame([...statuses], [[401, TOKENS]])
  const fetches = (await countOfFetches(metricsPort)) - before
  const allowed = 1 + Math.floor((performance.now() - began) / REFETCH_EVERY_MS)
  t.ok(fetches >= 1 && fetches <= allowed, `${fetches} fetches, of ${allowed} allowed`)
  t.equal(await ask(access_token), 200, 'good tokens are good meanwhile')
})
