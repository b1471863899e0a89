import t from 'tap'
import { startIssuer } from '@portcullis/test-kit'
import { instant } from '@portcullis/token-verifier'
import { event } from './support/events.ts'
import { freshVerifier } from './support/fresh.ts'

const INVALID = { name: 'TokenError', code: 'AUTH_TOKEN_INVALID', statusCode: 401 }
const STALE = { name: 'StaleError', code: 'AUTH_REVOCATIONS_STALE', statusCode: 503 }

t.test('a token is good until the moment that it names, and not at that moment', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier, replica } = freshVerifier(issuer)
  const tokens = [issuer.mint({ expiresInSeconds: 60 }), issuer.mint({ expiresInSeconds: 60 })] as const
  const { exp } = await verifier.verify(tokens[0])
  issuer.clock.advance(exp * 1000 - 1 - issuer.clock.now())
  replica.advance({ epoch: 1, seq: 0, base: 0 }, instant(issuer.clock))
  t.ok(await verifier.verify(tokens[0]))
  issuer.clock.advance(1)
  t.equal(issuer.clock.now(), exp * 1000)
  for (const [index, which] of ['seen', 'unseen'].entries())
    await t.rejects(verifier.verify(tokens[index] ?? ''), { ...INVALID, reason: 'expired' }, which)
})

t.test('a token of 8 KiB is taken, and none that is longer, whatever it says', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = freshVerifier(issuer)
  const withMore = (length: number) => issuer.mint({ claims: { more: 'x'.repeat(length) } })
  let length = 5000
  while (withMore(length + 1).length <= 8192) length++
  t.ok(await verifier.verify(withMore(length)))
  await t.rejects(verifier.verify(withMore(length + 1)), { ...INVALID, reason: 'too long' })
})

t.test('of a position and the epoch of a token the later is waited for', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier, replica } = freshVerifier(issuer)
  const good = issuer.mint({ claims: { ep: 2 } })
  const dead = issuer.mint({ session: 's', claims: { ep: 2 } })
  const early = verifier.verify(good, { position: { epoch: 1, seq: 1 } })
  replica.apply([event(1, 'other')])
  await t.rejects(early, { ...STALE, reason: /position/ }, 'a position of an older epoch lets nothing in')

  const late = verifier.verify(dead, { position: { epoch: 2, seq: 1 } })
  const begun = verifier.verify(good)
  replica.advance({ epoch: 2, seq: 0, base: 0 }, instant(issuer.clock))
  t.ok(await begun, 'the epoch is reached')
  replica.apply([event(1, 's', { epoch: 2 })])
  await t.rejects(late, INVALID, 'and the position only now')
})
