import t from 'tap'
import { startIssuer } from '@portcullis/test-kit'
import { StaleError } from '@portcullis/token-verifier'
import { TokenMemory, type VerifiedToken } from '../src/token-memory.ts'
import { freshVerifier } from './support/fresh.ts'

async function someToken(t: Parameters<typeof startIssuer>[0]): Promise<VerifiedToken> {
  const issuer = await startIssuer(t)
  const { verifier } = freshVerifier(issuer)
  const claims = await verifier.verify(issuer.mint())
  return { claims, kid: issuer.key.kid, notBefore: 0, expiresAt: 0, pem: issuer.key.publicPem }
}

t.test(
  'however many tokens come, no more than the capacity is kept, and the last half of it is',
  async (t) => {
    const token = await someToken(t)
    const memory = new TokenMemory(10)
    for (let n = 0; n < 1000; n++) memory.set(`token ${n}`, token)
    const kept = Array.from({ length: 1000 }, (_, n) => n).filter(
      (n) => memory.get(`token ${n}`) !== undefined,
    )
    t.ok(kept.length <= 10)
    for (let n = 0; n < 1000; n++) memory.set(`token ${n}`, token)
    for (let n = 995; n < 1000; n++) t.equal(memory.get(`token ${n}`), token)
  },
)

t.test('a token that is used goes on being remembered', async (t) => {
  const token = await someToken(t)
  const memory = new TokenMemory(10)
  memory.set('used', token)
  for (let n = 0; n < 1000; n++) {
    memory.set(`token ${n}`, token)
    t.equal(memory.get('used'), token)
  }
})

t.test('a token that is forgotten is gone', async (t) => {
  const token = await someToken(t)
  const memory = new TokenMemory(2)
  memory.set('a', token)
  memory.set('b', token)
  memory.delete('a')
  t.equal(memory.get('a'), undefined)
})

t.test('a token seen before is judged at once', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = freshVerifier(issuer)
  const token = issuer.mint({ user: 'ada' })
  t.ok(verifier.check(token) instanceof Promise)
  await verifier.verify(token)
  t.match(verifier.check(token), { username: 'ada' })
})

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
