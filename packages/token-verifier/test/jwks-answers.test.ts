import { createServer } from 'node:http'
import t from 'tap'
import { createSigningKey, FakeClock, startIssuer } from '@portcullis/test-kit'
import { jwksKeys, StaleError } from '@portcullis/token-verifier'

const URL = 'https://auth.example/.well-known/jwks.json'
const first = createSigningKey()

t.test('the age of a set counts from when it was asked for, however long the answer took', async (t) => {
  const clock = new FakeClock()
  let requests = 0
  const slow = async () => {
    requests += 1
    clock.advance(900)
    return new Response(JSON.stringify({ keys: [first.jwk] }), {
      headers: { 'cache-control': 'max-age=300' },
    })
  }
  const source = jwksKeys({ url: URL, clock, pace: () => clock.monotonic(), fetch: slow })
  await source.find(first.kid)
  clock.advance(299_000)
  t.equal(source.find(first.kid), first.publicPem)
  t.equal(requests, 1)
  clock.advance(100)
  t.equal(source.find(first.kid), first.publicPem)
  t.equal(requests, 2)
})

t.test('a set that is larger than any set is not taken', async (t) => {
  const body = JSON.stringify({ keys: [first.jwk], more: 'x'.repeat(8 * 1024 * 1024) })
  const source = jwksKeys({ url: URL, fetch: async () => new Response(body) })
  await t.rejects(async () => source.find(first.kid), StaleError)
})

t.test('keys come from the address that was configured, and from none that it names instead', async (t) => {
  const issuer = await startIssuer(t)
  const server = createServer((_request, response) => {
    response.writeHead(302, { location: issuer.jwksUrl }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const source = jwksKeys({ url: `http://127.0.0.1:${port}/.well-known/jwks.json` })
  await t.rejects(async () => source.find(issuer.key.kid), StaleError)
  t.equal(await jwksKeys({ url: issuer.jwksUrl }).find(issuer.key.kid), issuer.key.publicPem)
})
