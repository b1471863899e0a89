import fc from 'fast-check'
import t from 'tap'
import { race, startIssuer } from '@portcullis/test-kit'
import { createVerifier, instant, jwksKeys, StaleError, TokenError } from '@portcullis/token-verifier'
import { event } from './support/events.ts'
import { forgeries } from './support/forge.ts'
import { freshVerifier } from './support/fresh.ts'

const INVALID = { name: 'TokenError', code: 'AUTH_TOKEN_INVALID', statusCode: 401 }
const STALE = { name: 'StaleError', code: 'AUTH_REVOCATIONS_STALE', statusCode: 503 }

t.test(
  'a good token gives its claims, of a user and of a client, for an audience alone and among others',
  async (t) => {
    const issuer = await startIssuer(t)
    const { verifier } = freshVerifier(issuer)
    t.match(await verifier.verify(issuer.mint({ user: 'ada', roles: ['admin'] })), {
      username: 'ada',
      roles: ['admin'],
    })
    t.match(await verifier.verify(issuer.mintClient({ clientId: 'c', scope: 'a b' })), {
      sub: 'c',
      scope: 'a b',
    })
    t.ok(await verifier.verify(issuer.mint({ claims: { aud: ['other', issuer.audience] } })))
    t.ok(await verifier.verify(issuer.mint({ header: { typ: 'application/at+jwt' } })))
    t.ok(await verifier.verify(issuer.mint({ claims: { nbf: 1 } })))
  },
)

t.test(
  'every forgery is refused with 401 and the same message, before and after a good token was seen',
  async (t) => {
    const issuer = await startIssuer(t)
    const { verifier } = freshVerifier(issuer)
    const good = issuer.mint()
    const bad = Object.entries(forgeries(issuer, good))
    for (const round of ['before', 'after']) {
      for (const [name, token] of bad) await t.rejects(verifier.verify(token), INVALID, `${name}, ${round}`)
      await verifier.verify(good)
    }
    const messages = await race(bad.length, (i) => verifier.verify(bad[i]?.[1] ?? ''))
    t.equal(new Set(messages.map((m) => m.status === 'rejected' && String(m.reason))).size, 1)
  },
)

t.test('RS256 is taken where it is configured, and ES256 is not', async (t) => {
  const issuer = await startIssuer(t, { algorithm: 'RS256' })
  const { verifier } = freshVerifier(issuer)
  t.ok(await verifier.verify(issuer.mint()))
  for (const [name, token] of Object.entries(forgeries(issuer)))
    if (name !== 'alg RS256') await t.rejects(verifier.verify(token), INVALID, name)
  const other = await startIssuer(t)
  await t.rejects(verifier.verify(other.mint({ claims: { iss: issuer.url } })), INVALID)
})

t.test('whatever bytes come, the answer is 401', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = freshVerifier(issuer)
  const good = issuer.mint()
  const segment = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json().map((json) => Buffer.from(json).toString('base64url')),
    fc.constantFrom(...good.split('.')),
  )
  const token = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(segment, { maxLength: 4 }).map((s) => s.join('.')),
  )
  await fc.assert(
    fc.asyncProperty(token, async (text) => {
      if (text === good) return true
      const error: unknown = await verifier.verify(text).catch((error: unknown) => error)
      return error instanceof TokenError && error.statusCode === 401
    }),
    { numRuns: 500 },
  )
})

t.test('claims that are signed but of other shapes are refused with 401', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = freshVerifier(issuer)
  await fc.assert(
    fc.asyncProperty(fc.object({ maxDepth: 1 }), async (claims) => {
      const error: unknown = await verifier.verify(issuer.sign(claims)).catch((error: unknown) => error)
      return error instanceof TokenError && error.statusCode === 401
    }),
    { numRuns: 100 },
  )
})

t.test('a remembered token expires when its time comes', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier, replica } = freshVerifier(issuer)
  const token = issuer.mint({ expiresInSeconds: 60 })
  await verifier.verify(token)
  issuer.clock.advance(61_000)
  replica.advance({ epoch: 1, seq: 0, base: 0 }, instant(issuer.clock))
  await t.rejects(verifier.verify(token), { ...INVALID, reason: 'expired' })
})

t.test(
  'a remembered token is refused once it is revoked, also with its signature written in another way',
  async (t) => {
    const issuer = await startIssuer(t)
    const { verifier, replica } = freshVerifier(issuer)
    const token = issuer.mint({ session: 's' })
    await verifier.verify(token)
    const last = token.at(-1) ?? ''
    // The last character of 64 bytes in base64url has four bits that mean nothing.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const written = token.slice(0, -1) + alphabet[alphabet.indexOf(last) ^ 1]
    replica.apply([event(1, 's')])
    await t.rejects(verifier.verify(token), { ...INVALID, reason: 'revoked' })
    await t.rejects(verifier.verify(written), INVALID)
  },
)

t.test('a remembered token is refused once its key is published no more', async (t) => {
  const issuer = await startIssuer(t)
  const pems = new Map([[issuer.key.kid, issuer.key.publicPem]])
  const { verifier } = freshVerifier(issuer, { keys: { find: (kid) => pems.get(kid) } })
  const token = issuer.mint()
  await verifier.verify(token)
  pems.clear()
  await t.rejects(verifier.verify(token), { ...INVALID, reason: 'unknown key' })
})

t.test(
  'what a stolen key signs is refused also when the log has forgotten that it was given up',
  async (t) => {
    const issuer = await startIssuer(t)
    const { clock, jwks } = issuer
    // A cache that hides the age of what it gives.
    const fetch = async () =>
      new Response(JSON.stringify(jwks), { headers: { 'cache-control': 'max-age=86400' } })
    const keys = jwksKeys({ url: issuer.jwksUrl, clock, fetch })
    const { verifier, replica } = freshVerifier(issuer, { keys })
    await verifier.verify(issuer.mint())
    const keep_until = clock.now() + 3_900_000
    replica.apply([event(1, issuer.key.kid, { kind: 'key', keep_until })])
    await t.rejects(verifier.verify(issuer.mint()), INVALID)
    for (const pass of [3_600_000, 301_000]) {
      clock.advance(pass)
      replica.advance({ epoch: 1, seq: 1, base: 1 }, instant(clock))
      await t.rejects(verifier.verify(issuer.mint()), INVALID)
    }
    t.equal(replica.entries, 0)
  },
)

t.test('what one request does to its claims does not reach the next', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = freshVerifier(issuer)
  const token = issuer.mint({ roles: ['user'] })
  const claims = await verifier.verify(token)
  t.throws(() => Object.assign(claims, { sub: 'admin' }), TypeError)
  if ('roles' in claims) t.throws(() => claims.roles.push('admin'), TypeError)
  t.match(await verifier.verify(token), { roles: ['user'] })
})

t.test(
  'a replica that is too old answers 503 on strict routes, and on bounded ones only beyond their bound',
  async (t) => {
    const issuer = await startIssuer(t)
    const { verifier, replica } = freshVerifier(issuer, { boundedStalenessSeconds: 30 })
    const token = issuer.mint()
    issuer.clock.advance(2000)
    t.ok(verifier.ready)
    t.ok(await verifier.verify(token))
    issuer.clock.advance(1)
    t.notOk(verifier.ready)
    await t.rejects(verifier.verify(token), { ...STALE, headers: { 'Retry-After': '1' } })
    t.ok(await verifier.verify(token, { bounded: true }))
    issuer.clock.advance(28_000)
    await t.rejects(verifier.verify(token, { bounded: true }), STALE)
    replica.advance({ epoch: 1, seq: 0, base: 0 }, instant(issuer.clock))
    t.ok(await verifier.verify(token))
  },
)

t.test('without a bound, bounded routes are strict', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = freshVerifier(issuer)
  issuer.clock.advance(2001)
  await t.rejects(verifier.verify(issuer.mint(), { bounded: true }), STALE)
  t.notOk(verifier.allowsBounded)
})

t.test(
  'a bad token is refused with 401 however old the replica is, and so is one known to be revoked',
  async (t) => {
    const issuer = await startIssuer(t)
    const { verifier, replica } = freshVerifier(issuer)
    const revoked = issuer.mint({ session: 's' })
    replica.apply([event(1, 's')])
    issuer.clock.advance(60_000)
    await t.rejects(verifier.verify('bad'), INVALID)
    await t.rejects(verifier.verify(revoked), INVALID)
  },
)

t.test('a position is waited for, and then counts', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier, replica } = freshVerifier(issuer)
  const tokens = { dead: issuer.mint({ session: 's' }), good: issuer.mint() }
  const position = { epoch: 1, seq: 1 }
  t.ok(await verifier.verify(tokens.dead), 'it is not known yet')
  const dead = verifier.verify(tokens.dead, { position })
  const good = verifier.verify(tokens.good, { position })
  replica.apply([event(1, 's')])
  await t.rejects(dead, INVALID)
  t.ok(await good)
  await t.rejects(verifier.verify(tokens.good, { position: { epoch: 1, seq: 2 } }), STALE)
  await t.rejects(
    verifier.verify('bad', { position: { epoch: 1, seq: 2 } }),
    INVALID,
    'only after the signature',
  )
})

t.test('a token of an epoch that has not been heard of is waited for, and never let in before', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier, replica } = freshVerifier(issuer)
  const tokens = {
    good: issuer.mint({ claims: { ep: 2 } }),
    dead: issuer.mint({ session: 's', claims: { ep: 2 } }),
    old: issuer.mint(),
  }
  for (const time of ['first', 'second'])
    await t.rejects(verifier.verify(tokens.good), { ...STALE, reason: /position/ }, `${time} time`)
  t.ok(verifier.check(tokens.old), 'those of the epoch that is known are judged at once')

  const head = { epoch: 2, seq: 1, base: 0 }
  t.equal(replica.advance(head, instant(issuer.clock)), 'behind')
  await t.rejects(verifier.verify(tokens.good), STALE, 'to have heard of it without its log is not enough')
  const good = verifier.verify(tokens.good)
  const dead = verifier.verify(tokens.dead)
  replica.apply([event(1, 's', { epoch: 2 })])
  replica.advance(head, instant(issuer.clock))
  t.ok(await good)
  await t.rejects(dead, INVALID)
  t.notOk(verifier.check(tokens.good) instanceof Promise, 'and judged at once from then on')
  await t.rejects(verifier.verify(tokens.old), INVALID)
})

t.test(
  'of an epoch that has not been heard of, only what is signed and not known dead is waited for',
  async (t) => {
    const issuer = await startIssuer(t)
    const { verifier, replica } = freshVerifier(issuer)
    const token = issuer.mint({ session: 's', claims: { ep: 9 } })
    const forged = `${token.slice(0, -20)}${'A'.repeat(20)}`
    const before = performance.now()
    await t.rejects(verifier.verify(forged), INVALID)
    replica.apply([event(1, 's')])
    await t.rejects(verifier.verify(token), INVALID)
    issuer.clock.advance(2001)
    await t.rejects(verifier.verify(issuer.mint({ claims: { ep: 9 } })), STALE, 'too old in any case')
    t.ok(performance.now() - before < 200, 'at once')
  },
)

t.test('a verifier that is closed takes no token any more, strict or bounded', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier, replica } = freshVerifier(issuer, { boundedStalenessSeconds: 30 })
  const [seen, unseen, revoked] = [issuer.mint(), issuer.mint(), issuer.mint({ session: 's' })]
  await verifier.verify(seen)
  const position = { epoch: 1, seq: 1 }
  const waiting = verifier.verify(seen, { position })
  await verifier.close()
  replica.apply([event(1, 's')])
  const closed = { ...STALE, reason: 'the verifier is closed' }
  await t.rejects(waiting, closed, 'nor one that it was asked about before')
  for (const token of [seen, unseen])
    for (const bounded of [false, true]) await t.rejects(verifier.verify(token, { bounded }), closed)
  await t.rejects(verifier.verify(revoked), INVALID, 'what is dead is dead')
})

t.test('keys that cannot be had are 503, not 401', async (t) => {
  const issuer = await startIssuer(t)
  const find = () => Promise.reject(new StaleError('UNAVAILABLE', 'away'))
  const { verifier } = freshVerifier(issuer, { keys: { find, ready: false } })
  await t.rejects(verifier.verify(issuer.mint()), { statusCode: 503, code: 'UNAVAILABLE' })
  t.notOk(verifier.ready)
})

t.test('options that would let tokens pass that nobody meant are refused', async (t) => {
  const issuer = await startIssuer(t)
  const options = { ...issuer.verifierOptions, keys: { find: () => undefined } }
  for (const wrong of [
    { issuer: '' },
    { audience: '' },
    { audience: [] },
    { audience: ['a', ''] },
    { maxStalenessSeconds: 0 },
    { maxStalenessSeconds: Number.NaN },
    { boundedStalenessSeconds: 1e9 },
    { clientId: '' },
  ])
    t.throws(() => createVerifier({ ...options, ...wrong }), TypeError, JSON.stringify(wrong))
  t.throws(
    () => createVerifier({ ...options, boundedStalenessSeconds: 61 }),
    /at most 60/,
    'it would not be let into the table of verifiers',
  )
  const { feed: _feed, ...nowhere } = options
  t.throws(() => createVerifier(nowhere), /redisUrl, redis, feed or replica/)
  const { jwksUrl: _jwksUrl, keys: _keys, ...keyless } = options
  t.throws(() => createVerifier(keyless), /jwksUrl or keys/)
})
