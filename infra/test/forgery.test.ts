import t, { type Test } from 'tap'
import { confused, curves, embedded, forge, kids, partsOf, signatures, unsigned } from './support/forge.ts'
import type { Forgery, Material } from './support/forge.ts'
import { claims, headers, heavy, shapes } from './support/forge-shapes.ts'
import { startPair, type Pair } from './support/pair.ts'
import { readSigningKey } from './support/signing-key.ts'
import { newUser } from './support/user.ts'

const AT_A_TIME = 8

interface Route {
  readonly name: string
  readonly method: string
  readonly url: string
}

/** Every way in: a route of each service, the one that takes also revoked tokens, and the one for gateways. */
function routesOf({ authUrl, contentUrl }: Pair) {
  return {
    me: { name: 'auth', method: 'GET', url: `${authUrl}/api/v1/users/me` },
    logout: { name: 'logout', method: 'POST', url: `${authUrl}/api/v1/logout` },
    verify: { name: 'verify', method: 'GET', url: `${authUrl}/api/v1/verify` },
    tasks: { name: 'content', method: 'GET', url: `${contentUrl}/api/v1/tasks` },
  } satisfies Record<string, Route>
}

/** Status, type and body of an answer, less what is each request's own. */
async function ask({ method, url }: Route, authorization: string): Promise<Record<string, unknown>> {
  const response = await fetch(url, { method, headers: { authorization } })
  const text = await response.text()
  const type = response.headers.get('content-type')
  const body: unknown = type?.includes('json') ? { ...JSON.parse(text), instance: '' } : text
  return { status: response.status, type, challenge: response.headers.get('www-authenticate'), body }
}

async function refuseAll(t: Test, pair: Pair, forgeries: Iterable<Forgery>): Promise<void> {
  const queue = [...forgeries].flatMap((forgery) =>
    Object.values(routesOf(pair)).map((route) => ({ forgery, route })),
  )
  const expected = refusal(pair)
  const odd: unknown[] = []
  const worker = async () => {
    for (let next = queue.pop(); next; next = queue.pop()) {
      const answer = await ask(next.route, `Bearer ${next.forgery.token}`)
      if (JSON.stringify(answer) !== JSON.stringify(expected))
        odd.push({ route: next.route.name, what: next.forgery.what, answer })
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, worker))
  t.strictSame(odd, [])
}

/** The one answer to every bad token. */
function refusal({ origin }: Pair) {
  return {
    status: 401,
    type: 'application/problem+json; charset=utf-8',
    challenge: 'Bearer realm="portcullis", error="invalid_token"',
    body: {
      type: `${origin}/problems/AUTH_TOKEN_INVALID`,
      title: 'The access token is not valid',
      status: 401,
      code: 'AUTH_TOKEN_INVALID',
      instance: '',
    },
  }
}

t.test('forged tokens are refused alike on both services', async (t) => {
  const pair = await startPair(t, { auth: { RATE_LIMIT_MAX: '0' }, content: { RATE_LIMIT_MAX: '0' } })
  const user = await newUser(pair)
  const tokens = await user.login()
  const key = await readSigningKey(pair)
  const material: Material = { access: tokens.access_token, refresh: tokens.refresh_token, key }
  const { header, claims: good } = partsOf(material)
  const { me, tasks } = routesOf(pair)

  await t.test('what the forger begins with is good, `aud` as text and as list', async (t) => {
    const list = forge(header, { ...good, aud: ['elsewhere', good['aud']] }, key.sign)
    for (const route of [me, tasks])
      for (const token of [material.access, list])
        t.equal((await ask(route, `Bearer ${token}`))['status'], 200, route.name)
  })

  for (const [title, forgeries] of [
    ['`alg` none in any case', unsigned],
    ['an HMAC keyed with the public key, in every encoding', confused],
    ['keys that come with the token or are pointed to by it', embedded],
    ['a `kid` that is a path, a query, a prototype or no text', kids],
    ['null, blank, truncated and borrowed signatures', signatures],
    ['keys of other curves and kinds', curves],
    ['an unknown `crit` or another `typ`, even rightly signed', headers],
    ['claims that are missing, of another type or out of range, even rightly signed', claims],
    ['truncated, malformed and multiplied tokens', shapes],
    ['tokens over 8 KiB, nested JSON and repeated names', heavy],
  ] as const)
    await t.test(title, (t) => refuseAll(t, pair, forgeries(material)))

  await t.test('a refresh token is no access token', (t) =>
    refuseAll(t, pair, [{ what: 'refresh token', token: material.refresh }]),
  )

  await t.test('an access token, or anything else, is no refresh token', async (t) => {
    const [refreshHeader, refreshClaims] = material.refresh
      .split('.')
      .map((part) => Buffer.from(part, 'base64url'))
    const parts = [JSON.parse(String(refreshHeader)), JSON.parse(String(refreshClaims))]
    const forgeries = [
      material.access,
      forge({ ...parts[0], alg: 'none' }, parts[1], () => ''),
      forge({ ...parts[0], alg: 'ES256' }, parts[1], key.sign),
      forge({ ...parts[0], alg: 'ES256', kid: key.kid }, parts[1], key.sign),
      forge({ ...header, typ: 'rt+jwt' }, parts[1], key.sign),
      `${material.refresh.split('.').slice(0, 2).join('.')}.`,
      `${material.refresh}A`,
      'A'.repeat(8192),
    ]
    for (const refresh_token of forgeries) {
      const response = await fetch(`${pair.authUrl}/api/v1/refresh`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ refresh_token }),
      })
      t.equal(response.status, 401)
      t.strictSame(
        { ...JSON.parse(await response.text()), instance: '' },
        {
          type: `${pair.origin}/problems/AUTH_REFRESH_INVALID`,
          title: 'The refresh token is not valid',
          status: 401,
          code: 'AUTH_REFRESH_INVALID',
          instance: '',
        },
      )
    }
  })

  await t.test('a forged token on a route that needs none is passed over', async (t) => {
    for (const { token } of [...unsigned(material), ...shapes(material)].slice(0, 40)) {
      const headers = { authorization: `Bearer ${token}` }
      t.equal((await fetch(`${pair.contentUrl}/api/v1/posts`, { headers })).status, 200)
    }
  })

  await t.test('what is no bearer token is answered as none', async (t) => {
    for (const authorization of ['Basic YTpi', 'Token x', 'Bearerx', material.access])
      for (const route of Object.values(routesOf(pair))) {
        const answer = await ask(route, authorization)
        t.match(answer, {
          status: 401,
          challenge: 'Bearer realm="portcullis"',
          body: { code: 'AUTH_TOKEN_MISSING' },
        })
      }
  })

  await t.test('a revoked token stays revoked, however its signature is spelled', async (t) => {
    const spellings = [...respelled(material.access)]
    const { status } = await fetch(`${pair.authUrl}/api/v1/logout`, {
      method: 'POST',
      headers: { authorization: `Bearer ${material.access}` },
    })
    t.equal(status, 200)
    for (const { what, token } of [{ what: 'as it was', token: material.access }, ...spellings])
      for (const route of [me, tasks])
        t.strictSame(await ask(route, `Bearer ${token}`), refusal(pair), `${route.name}: ${what}`)
  })
})

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The same signature in other texts: base64url of 64 bytes leaves four bits that no decoder looks at. */
function* respelled(token: string): Generator<Forgery> {
  const last = ALPHABET.indexOf(token.at(-1) ?? '')
  for (let bits = 0; bits < 16; bits++) {
    const character = ALPHABET[(last & 0b110000) | bits]
    yield { what: `trailing bits ${bits}`, token: `${token.slice(0, -1)}${character}` }
  }
  for (const padding of ['=', '==', '===']) yield { what: `padding ${padding}`, token: `${token}${padding}` }
  const dot = token.lastIndexOf('.')
  const standard = token.slice(dot).replaceAll('-', '+').replaceAll('_', '/')
  yield { what: 'the standard alphabet', token: `${token.slice(0, dot)}${standard}` }
  yield { what: 'the standard alphabet and padding', token: `${token.slice(0, dot)}${standard}==` }
}
