import t from 'tap'
import { startIssuer } from '@portcullis/test-kit'
import { StaleError } from '@portcullis/token-verifier'
import { freshVerifier } from './support/fresh.ts'

t.test('a token seen before is judged at once', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = freshVerifier(issuer)
  const token = issuer.mint({ user: 'ada' })
  await verifier.verify(token)
  t.match(verifier.check(token), { username: 'ada' })
})

t.test(
  'a token whose key has to be fetched is judged when it has come, and at once from then on',
  async (t) => {
    const issuer = await startIssuer(t)
    const { publicPem } = issuer.key
    let isFetched = false
    const { verifier } = freshVerifier(issuer, {
      keys: { find: () => (isFetched ? publicPem : Promise.resolve(publicPem)) },
    })
    const token = issuer.mint({ user: 'ada' })
    const first = verifier.check(token)
    t.ok(first instanceof Promise)
    t.match(await first, { username: 'ada' })
    isFetched = true
    t.match(verifier.check(token), { username: 'ada' })
  },
)

t.test('a remembered token is answered 503 when nobody can tell whether its key still counts', async (t) => {
  const issuer = await startIssuer(t)
  let isLost = false
  const { verifier } = freshVerifier(issuer, {
    keys: {
      find: (kid) =>
        isLost
          ? Promise.reject(new StaleError('UNAVAILABLE', 'the keys are too old'))
          : kid === issuer.key.kid
            ? issuer.key.publicPem
            : undefined,
    },
  })
  const token = issuer.mint()
  await verifier.verify(token)
  isLost = true
  await t.rejects(verifier.verify(token), { name: 'StaleError', statusCode: 503 })
})
