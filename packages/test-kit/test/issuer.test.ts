import { createPublicKey, verify } from 'node:crypto'
import t from 'tap'
import { FakeClock, race, startIssuer } from '@portcullis/test-kit'

function decode(token: string) {
  const [header, claims, signature = ''] = token.split('.')
  const read = (part = ''): unknown => JSON.parse(Buffer.from(part, 'base64url').toString())
  return { header: read(header), claims: read(claims), input: `${header}.${claims}`, signature }
}

t.test('tokens are signed by a key that the JWK Set publishes, and say what was asked for', async (t) => {
  for (const algorithm of ['ES256', 'RS256'] as const) {
    const issuer = await startIssuer(t, { algorithm, audience: 'here' })
    const published: unknown = await (await fetch(issuer.jwksUrl)).json()
    t.match(published, { keys: [issuer.key.jwk, { alg: algorithm }] })
    t.match(issuer.key.jwk, { kid: issuer.key.kid, use: 'sig', alg: algorithm })
    const { header, claims, input, signature } = decode(issuer.mint({ user: 'ada', roles: ['admin'] }))
    t.match(header, { alg: algorithm, typ: 'at+jwt', kid: issuer.key.kid })
    t.match(claims, {
      iss: issuer.url,
      aud: 'here',
      username: 'ada',
      roles: ['admin'],
      client_id: 'portcullis',
    })
    const publicKey = { key: createPublicKey(issuer.key.publicPem), dsaEncoding: 'ieee-p1363' as const }
    t.ok(verify('sha256', Buffer.from(input), publicKey, Buffer.from(signature, 'base64url')))
  }
})

t.test('the same name is the same user, in another session each time', async (t) => {
  const issuer = await startIssuer(t)
  const [a, b, c] = ['ada', 'ada', 'bob'].map((user) => decode(issuer.mint({ user })).claims)
  t.match(b, { sub: Reflect.get(Object(a), 'sub') })
  t.not(Reflect.get(Object(a), 'sid'), Reflect.get(Object(b), 'sid'))
  t.not(Reflect.get(Object(a), 'sub'), Reflect.get(Object(c), 'sub'))
})

t.test('claims and header can be made wrong on purpose', async (t) => {
  const issuer = await startIssuer(t)
  const token = issuer.mint({ claims: { aud: 'other', exp: undefined }, header: { typ: 'JWT' } })
  t.match(decode(token), { header: { typ: 'JWT' }, claims: { aud: 'other' } })
  t.notOk(Reflect.has(Object(decode(token).claims), 'exp'))
})

t.test('what is revoked is in the log, and later tokens of the user carry a higher version', async (t) => {
  const issuer = await startIssuer(t)
  const token = issuer.mint({ session: 's', user: 'ada' })
  await issuer.revoke(token)
  await issuer.revoke({ user: 'ada' })
  await issuer.revoke({ client: 'c' })
  await issuer.revoke({ kind: 'token', key: 'j' })
  await issuer.revoke(issuer.mintClient({ claims: { jti: 'k' } }))
  t.match(issuer.log.events, [
    { seq: 1, kind: 'session', key: 's' },
    { seq: 2, kind: 'user', value: 2 },
    { seq: 3, kind: 'client', key: 'c', value: 2 },
    { seq: 4, kind: 'token', key: 'j' },
    { seq: 5, kind: 'token', key: 'k' },
  ])
  t.match(decode(issuer.mint({ user: 'ada' })).claims, { ver: 2 })
  t.match(decode(issuer.mintClient({ clientId: 'c' })).claims, { ver: 2 })
})

t.test('a key is published ahead and stays when it is rotated, a compromised one does not', async (t) => {
  const issuer = await startIssuer(t)
  const kids = () => issuer.jwks.keys.map(({ kid }) => kid)
  const first = issuer.key.kid
  const [, next] = kids()
  await issuer.rotate()
  const second = issuer.key.kid
  t.equal(second, next)
  t.strictSame(kids().slice(0, -1), [first, second])
  await issuer.rotate({ compromised: true })
  t.strictSame(kids().slice(0, -1), [issuer.key.kid])
  t.notOk(kids().includes(second))
  t.match(issuer.log.events, [{ kind: 'key', key: second }])
})

t.test('the clock stands still until it is moved', async (t) => {
  const clock = new FakeClock(new Date('2030-01-01'))
  const issuer = await startIssuer(t, { clock })
  t.match(decode(issuer.mint({ expiresInSeconds: 60 })).claims, { iat: 1893456000, exp: 1893456060 })
  await issuer.advance(1500)
  t.equal(clock.now(), 1893456001500)
  clock.set(0)
  t.equal(clock.monotonic(), 1500)
})

t.test('race begins all at once and tells what became of each', async (t) => {
  const begun: number[] = []
  const results = race(3, async (i) => {
    begun.push(i)
    if (i === 1) throw new Error('lost')
    return i
  })
  t.strictSame(begun, [0, 1, 2])
  t.match(await results, [{ value: 0 }, { status: 'rejected' }, { value: 2 }])
})

t.test('the feed is for TEST_CLIENT alone', async (t) => {
  const issuer = await startIssuer(t)
  t.equal((await fetch(`${issuer.url}/api/v1/revocations?after=0-0`)).status, 401)
  const basic = (id: string, secret: string) => Buffer.from(`${id}:${secret}`).toString('base64')
  const ask = (authorization: string) =>
    fetch(`${issuer.url}/oauth/token`, { method: 'POST', headers: { authorization } })
  t.equal((await ask(`Basic ${basic('test-verifier', 'wrong')}`)).status, 401)
  t.equal((await ask(`Basic ${basic('test-verifier', 'test-secret')}`)).status, 200)
  t.equal((await fetch(`${issuer.url}/elsewhere`)).status, 404)
})
