import express from 'express'
import { once } from 'node:events'
import fastify from 'fastify'
import t from 'tap'
import { startIssuer, type Teardown, type TestIssuer } from '@portcullis/test-kit'
import {
  instant,
  Replica,
  StaleError,
  TokenError,
  withChallenge,
  type CreateVerifierOptions,
  type KeySource,
} from '@portcullis/token-verifier'
import { createGuard, refusals } from '@portcullis/token-verifier/express'
import tokenVerifier from '@portcullis/token-verifier/fastify'
import { freshVerifier } from './support/fresh.ts'

const unreachable = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
const UNAVAILABLE = { name: 'StaleError', code: 'UNAVAILABLE', statusCode: 503 }

/** What a source of keys of the application's does when it cannot tell, and what is told as the cause. */
const failing: Record<string, { find: KeySource['find']; cause: unknown }> = {
  'a promise that is rejected': { find: () => Promise.reject(unreachable), cause: unreachable },
  'an error that is thrown': {
    find: () => {
      throw unreachable
    },
    cause: unreachable,
  },
  'a promise that is rejected with nothing': { find: async () => Promise.reject(), cause: undefined },
  'a text that is no key': { find: () => 'no key', cause: { code: 'FAST_JWT_INVALID_KEY' } },
}

/** A replica with a fault in it. */
class Faulty extends Replica {
  override isDisowned(): boolean {
    throw new TypeError('a fault')
  }
  override isRevoked(): boolean {
    throw new TypeError('a fault')
  }
}

function faulty({ clock }: TestIssuer): Replica {
  const replica = new Faulty({ clock })
  replica.advance({ epoch: 1, seq: 0, base: 0 }, instant(clock))
  return replica
}

/** Status, headers and code of what `GET path` is answered with, with a good token. */
type Ask = (path: string) => Promise<{ status: number; headers: Headers; code: unknown }>

/** The verifier behind Fastify's hook and `request.jwtVerify()`, and behind the guard of Express. */
async function serve(t: Teardown, issuer: TestIssuer, more: Partial<CreateVerifierOptions>): Promise<Ask> {
  const { verifier } = freshVerifier(issuer, more)
  const app = fastify()
  await app.register(tokenVerifier, { verifier })
  app.get('/hook', { onRequest: app.authenticate }, async () => ({}))
  app.get('/own', { onRequest: async (request) => void (await request.jwtVerify()) }, async () => ({}))
  t.teardown(() => app.close())
  const fastifyUrl = await app.listen()

  const guarded = express()
  guarded.get(
    '/guard',
    createGuard({ verifier }).authenticate,
    (_request, response) => void response.json({}),
  )
  guarded.use(refusals)
  const faults: express.ErrorRequestHandler = (_error, _request, response, _next) => {
    response.status(500).json({})
  }
  guarded.use(faults)
  const server = guarded.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined

  return async (path) => {
    const base = path === '/guard' ? `http://127.0.0.1:${port}` : fastifyUrl
    const response = await fetch(base + path, { headers: { authorization: `Bearer ${issuer.mint()}` } })
    const body: unknown = await response.json()
    const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined
    return { status: response.status, headers: response.headers, code }
  }
}

t.test(
  'a source of keys that fails is 503, not a refusal of the token, and its owner is told why',
  async (t) => {
    const issuer = await startIssuer(t)
    for (const [what, { find, cause }] of Object.entries(failing)) {
      const told: unknown[] = []
      let isLost = false
      const { verifier } = freshVerifier(issuer, {
        keys: { find: (kid) => (isLost ? find(kid) : issuer.key.publicPem) },
        observer: {
          keysFailed: (error) => {
            told.push(error)
            throw new Error('of the observer')
          },
        },
      })
      const seen = issuer.mint()
      await verifier.verify(seen)
      isLost = true
      await t.rejects(verifier.verify(issuer.mint()), { ...UNAVAILABLE, cause }, what)
      await t.rejects(verifier.verify(seen), { ...UNAVAILABLE, cause }, `${what}, a token seen before`)
      t.match(told, [cause, cause])
    }
  },
)

t.test('what a source of keys itself says of a token is passed on', async (t) => {
  const issuer = await startIssuer(t)
  for (const error of [
    new StaleError('UNAVAILABLE', 'later'),
    new TokenError('AUTH_TOKEN_INVALID', 'never'),
  ]) {
    const { verifier } = freshVerifier(issuer, { keys: { find: () => Promise.reject(error) } })
    t.equal(await verifier.verify(issuer.mint()).catch((thrown: unknown) => thrown), error)
  }
})

t.test(
  'the middlewares answer 503 with Retry-After and no challenge when the keys cannot be had',
  async (t) => {
    const issuer = await startIssuer(t)
    for (const [what, { find }] of Object.entries(failing)) {
      const ask = await serve(t, issuer, { keys: { find } })
      for (const path of ['/hook', '/own', '/guard']) {
        const { status, headers, code } = await ask(path)
        t.strictSame({ status, code }, { status: 503, code: 'UNAVAILABLE' }, `${path}: ${what}`)
        t.equal(headers.get('retry-after'), '1')
        t.equal(headers.get('www-authenticate'), null)
      }
    }
  },
)

t.test('a fault is a fault, and not told as a bad token', async (t) => {
  const issuer = await startIssuer(t)
  const ask = await serve(t, issuer, { replica: faulty(issuer) })
  for (const path of ['/hook', '/own', '/guard']) {
    const { status, headers } = await ask(path)
    t.equal(status, 500, path)
    t.equal(headers.get('www-authenticate'), null)
  }
})

t.test('a challenge is set on refusals only, and all else is thrown on as an error', (t) => {
  const refused = withChallenge(new TokenError('AUTH_TOKEN_INVALID', 'why'), 'a "test"\\')
  t.match(refused, {
    reason: 'why',
    headers: { 'WWW-Authenticate': 'Bearer realm="a test", error="invalid_token"' },
  })
  const stale = new StaleError('UNAVAILABLE', 'later')
  t.equal(withChallenge(stale, 'test'), stale)
  t.throws(() => withChallenge(new TypeError('a fault'), 'test'), new TypeError('a fault'))
  // Nothing at all would let a request in, and Express takes some texts for orders.
  for (const thrown of [undefined, null, 'route'])
    t.throws(() => withChallenge(thrown, 'test'), { name: 'Error', cause: thrown })
  t.end()
})
