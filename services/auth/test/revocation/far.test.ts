import t from 'tap'
import { startAuth } from '../support/auth.ts'
import { newClient, registerClient } from '../support/client.ts'
import { startVerifier } from '../support/verifiers.ts'

t.test('a log with more than 2^31 events', async (t) => {
  const auth = await startAuth(t)
  await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
  const user = await auth.newUser()
  await auth.app.pg.pool.query('update revocation_head set seq = 2147483645, base = 2147483645')
  const verifier = await startVerifier(t, auth)

  await t.test('goes on, and every verifier follows', async (t) => {
    for (let n = 2_147_483_646; n <= 2_147_483_650; n++) {
      const { access_token: token } = await auth.login(user)
      const { status, headers } = await auth.call('POST', '/api/v1/logout', { token })
      t.equal(status, 200)
      t.equal(headers['revocation-position'], `1-${n}`)
      await t.rejects(verifier.verify(token), { code: 'AUTH_TOKEN_INVALID' })
    }
  })

  await t.test('is read by the feed from any place', async (t) => {
    const { token } = await newClient(auth, 'revocations:read')
    for (const place of ['1-2147483647', '1-2147483649', '1-9007199254740991', '0-2147483648'])
      t.equal((await auth.call('GET', `/api/v1/revocations?after=${place}`, { token })).status, 200, place)
  })
})
