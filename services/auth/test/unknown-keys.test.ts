import { Kysely, PostgresDialect } from 'kysely'
import t, { type Test } from 'tap'
import { createPool } from '@portcullis/service-kit'
import type { Clock } from '@portcullis/token-verifier'
import { FakeClock } from '@portcullis/test-kit'
import type { DB } from '../src/database/tables.ts'
import { Keyring } from '../src/keys/keyring.ts'
import { startAuth, MovableClock, type TestAuth } from './support/auth.ts'
import { registerClient } from './support/client.ts'
import { meanwhile } from './support/guards.ts'
import { postForm } from './support/oauth.ts'
import { runPortcullis } from './support/portcullis.ts'

/** A token that nobody has signed. */
function tokenOf(claims: object): string {
  const parts = [{ alg: 'ES256', typ: 'at+jwt' }, claims].map((part) => JSON.stringify(part))
  return [...parts, 'signature'].map((part) => Buffer.from(part).toString('base64url')).join('.')
}

async function keptKid({ app }: TestAuth): Promise<string> {
  const query = app.db.selectFrom('refresh_keys').select('kid').where('state', '=', 'active')
  return (await query.executeTakeFirstOrThrow()).kid
}

t.test('keys that are not known', async (t) => {
  const auth = await startAuth(t)

  /** Keys by another clock, how often they were read, and the search for a thousand unknown ones of them. */
  const openCounted = async (t: Test, clock: Clock) => {
    const pool = createPool({ url: auth.databaseUrl, name: 'test' })
    t.teardown(() => pool.end())
    const count = { reads: 0 }
    const db = new Kysely<DB>({
      dialect: new PostgresDialect({ pool }),
      log: ({ query }) => {
        if (query.sql.includes('"public_jwk"')) count.reads++
      },
    })
    const options = { issuer: 'http://auth.test', sessionLifeSeconds: 3600, clock }
    const keyring = await Keyring.open(db, { ...auth.app.keyMaker, ...options })
    const search = async (token?: string) => {
      const kids = Array.from({ length: 1000 }, (_, i) => `random-${i}`)
      const found = await Promise.all(kids.map(async (kid) => keyring.find(kid, token)))
      t.ok(found.every((key) => key === undefined))
    }
    return { count, search }
  }

  await t.test('a thousand are looked for once a second at most', async (t) => {
    const clock = new FakeClock()
    const { count, search } = await openCounted(t, clock)
    t.equal(count.reads, 1)
    await search()
    t.equal(count.reads, 1, 'not at all if the keys have just been read')
    clock.advance(1001)
    await search()
    t.equal(count.reads, 2)
    clock.advance(999)
    await search(tokenOf({ iat: Math.floor(clock.now() / 1000) - 60 }))
    t.equal(count.reads, 2)
  })

  await t.test('nor more often for tokens that say they are of just now, or of times to come', async (t) => {
    const clock = new MovableClock()
    const { count, search } = await openCounted(t, clock)
    const began = clock.monotonic()
    for (const ahead of [0, 1e9, Number.MAX_VALUE])
      await search(tokenOf({ iat: Math.floor(clock.now() / 1000) + ahead }))
    t.equal(count.reads, 4)
    t.ok(clock.monotonic() - began > 1990, 'a second lies between two looks')
  })

  await t.test('a login whose refresh key is given up meanwhile is asked to come again', async (t) => {
    const { username, password, ...user } = await auth.newUser()
    const login = () => auth.call('POST', '/api/v1/login', { body: { username, password } })
    const { status, headers, body } = await meanwhile(auth, user.id, login, async () => {
      const { code } = await runPortcullis(auth, ['keys', 'rotate', '--refresh', '--compromised'])
      t.equal(code, 0)
      await auth.app.keyring.reload()
    })
    t.equal(status, 503)
    t.equal(body.code, 'UNAVAILABLE')
    t.equal(headers['retry-after'], '1')
    t.equal((await login()).status, 200)
  })

  await t.test(
    'a refresh token whose key was given up while an instance was halted is dead there too',
    async (t) => {
      const { keyring } = auth.app
      const gateway = await registerClient(auth, { scopes: ['tokens:introspect'] })
      const { refresh_token } = await auth.login(await auth.newUser())
      const reload = t.intercept(keyring, 'reload', { value: async () => undefined })
      t.equal((await runPortcullis(auth, ['keys', 'rotate', '--refresh', '--compromised'])).code, 0)
      t.not(keyring.activeRefreshKey.kid, await keptKid(auth), 'it has not heard of that')
      const introspected = await postForm(auth, '/oauth/introspect', { token: refresh_token }, gateway)
      t.strictSame(introspected.body, { active: false })
      const refreshed = await auth.call('POST', '/api/v1/refresh', { body: { refresh_token } })
      t.equal(refreshed.status, 401)
      t.equal(refreshed.body.code, 'AUTH_REFRESH_INVALID')
      reload.restore()
      await keyring.reload()
    },
  )
})
