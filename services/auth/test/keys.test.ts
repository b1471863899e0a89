import { createPublicKey, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import pg from 'pg'
import t from 'tap'
import { loadConfig } from '@portcullis/service-kit'
import { build } from '../src/app.ts'
import { ConfigSchema } from '../src/config.ts'
import { rotateRefreshKey, rotateWhenDue } from '../src/keys/rotate.ts'
import { startAuth, callOf, type TestAuth } from './support/auth.ts'
import { registerClient } from './support/client.ts'
import { runPortcullis } from './support/portcullis.ts'
import { countAccepting, startVerifier } from './support/verifiers.ts'

/** Makes the keys older than they are. */
async function age({ app }: TestAuth, interval: string): Promise<void> {
  const older = (column: string) => sql`${sql.ref(column)} - ${sql.lit(interval)}::interval`
  await sql`update signing_keys set created_at = ${older('created_at')}, activated_at = ${older('activated_at')},
    retired_at = ${older('retired_at')}`.execute(app.db)
  await sql`update refresh_keys set created_at = ${older('created_at')}, retired_at = ${older('retired_at')}`.execute(
    app.db,
  )
}

const kidOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid

t.test('keys', async (t) => {
  const auth = await startAuth(t)
  const another = await auth.another()
  const instances = [auth.app, another]
  await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
  const verifier = await startVerifier(t, auth)
  const published = async () => {
    const { body } = await auth.call('GET', '/.well-known/jwks.json')
    return body.keys.map((key: { kid: string }) => key.kid)
  }
  const refresh = (refresh_token: string, call = auth.call) =>
    call('POST', '/api/v1/refresh', { body: { refresh_token } })
  const user = await auth.newUser()

  await t.test('there are two, one that signs and one that is published to sign next', async (t) => {
    const { out, code } = await runPortcullis(auth, ['keys', 'list'])
    t.equal(code, 0)
    t.match(out, /^signing\t\S+\tES256\tstandby\t/m)
    t.match(out, /^signing\t\S+\tES256\tactive\t/m)
    t.match(out, /^refresh\t\S+\tHS256\tactive\t/m)
    t.equal((await published()).length, 2)
    t.strictSame(another.keyring.jwks, auth.app.keyring.jwks, 'the same in every instance')
  })

  await t.test('the standby does not sign before it has been published for long enough', async (t) => {
    const { code, err } = await runPortcullis(auth, ['keys', 'rotate'])
    t.equal(code, 1)
    t.match(err, /published for \d+ s more/)
    // Verifiers may keep a set for 300 s, and for 60 s more while they fetch the next.
    await age(auth, '350 seconds')
    const soon = await runPortcullis(auth, ['keys', 'rotate'])
    t.equal(soon.code, 1)
    t.match(soon.err, /published for \d s more/)
  })

  await t.test('a command that is set to another algorithm changes nothing', async (t) => {
    const before = await auth.app.db.selectFrom('signing_keys').selectAll().orderBy('kid').execute()
    for (const command of [
      ['keys', 'rotate'],
      ['keys', 'rotate', '--compromised'],
      ['keys', 'rotate', '--refresh'],
      ['revoke-all'],
    ]) {
      const { code, err } = await runPortcullis(auth, command, { SIGNING_ALGORITHM: 'RS256' })
      t.equal(code, 1)
      t.match(err, /SIGNING_ALGORITHM is RS256 here, and the keys in use are for ES256/)
    }
    t.strictSame(await auth.app.db.selectFrom('signing_keys').selectAll().orderBy('kid').execute(), before)
  })

  await t.test('after a rotation the standby signs, and tokens of the key before stay good', async (t) => {
    const before = await published()
    const pair = await auth.login(user)
    const old = auth.app.keyring.activeKid
    await age(auth, '7 minutes')
    const { code, out } = await runPortcullis(auth, ['keys', 'rotate'])
    t.equal(code, 0)
    await Promise.all(instances.map((app) => app.keyring.reload()))
    const next = await auth.login(user)
    t.equal(kidOf(pair.access_token), old)
    t.ok(before.includes(kidOf(next.access_token)))
    t.match(out, `signs: ${kidOf(next.access_token)}`)
    for (const { access_token } of [pair, next]) t.equal(await countAccepting([verifier], access_token), 1)
    t.equal((await published()).length, 3, 'with a new standby')
    const { sealed } = await auth.app.db
      .selectFrom('signing_keys')
      .select('sealed')
      .where('kid', '=', old)
      .executeTakeFirstOrThrow()
    t.equal(sealed.length, 0, 'the private half of the key before is gone')
    await age(auth, '60 minutes')
    await auth.app.keyring.reload()
    t.ok((await published()).includes(old), 'as long as a token of it can live')
    const exported = (await runPortcullis(auth, ['keys', 'export-pem'])).out.match(/BEGIN PUBLIC KEY/g)
    t.equal(exported?.length, 3, 'and exported for as long')
    await age(auth, '6 minutes')
    await auth.app.keyring.reload()
    t.notOk((await published()).includes(old), 'until the longest life of a token is over')
  })

  await t.test('a key that is given up signs and verifies nothing when the command returns', async (t) => {
    const pair = await auth.login(user)
    const old = kidOf(pair.access_token)
    const { code, out } = await runPortcullis(auth, ['keys', 'rotate', '--compromised'])
    t.equal(code, 0)
    t.match(out, 'revocation_pending: 0')
    t.equal(await countAccepting([verifier], pair.access_token), 0)
    for (const app of instances) {
      t.not(app.keyring.activeKid, old, 'every instance has changed its key')
      t.equal((await callOf(app)('GET', '/api/v1/users/me', { token: pair.access_token })).status, 401)
    }
    t.notOk((await published()).includes(old))
    const next = await refresh(pair.refresh_token)
    t.equal(next.status, 200, 'sessions live on')
    t.equal(await countAccepting([verifier], next.body.access_token), 1)
    const row = await auth.app.db
      .selectFrom('signing_keys')
      .select('sealed')
      .where('kid', '=', old)
      .executeTakeFirstOrThrow()
    t.equal(row.sealed.length, 0, 'its private half is gone')
  })

  await t.test('with a key that is given up go those before it that are still published', async (t) => {
    const pair = await auth.login(user)
    const old = kidOf(pair.access_token)
    await age(auth, '7 minutes')
    t.equal((await runPortcullis(auth, ['keys', 'rotate'])).code, 0)
    await Promise.all(instances.map((app) => app.keyring.reload()))
    const next = await auth.login(user)
    t.equal(await countAccepting([verifier], pair.access_token), 1)
    const { code, out } = await runPortcullis(auth, ['keys', 'rotate', '--compromised'])
    t.equal(code, 0)
    t.match(out, `given_up: ${kidOf(next.access_token)} ${old}`)
    for (const { access_token } of [pair, next]) t.equal(await countAccepting([verifier], access_token), 0)
    t.notOk((await published()).includes(old))
  })

  await t.test('a verifier that is away is told of by the exit code', async (t) => {
    await auth.app.db
      .insertInto('verifiers')
      .values({ name: 'content/away', client_id: 'content', max_age: 3600 })
      .execute()
    const { code, out } = await runPortcullis(auth, ['keys', 'rotate', '--compromised'])
    t.equal(code, 2)
    t.match(out, 'revocation_pending: 1')
    await auth.app.db.deleteFrom('verifiers').where('name', '=', 'content/away').execute()
    const unasked = await runPortcullis(auth, ['keys', 'rotate', '--compromised'], {
      REVOCATION_REDIS_URL: undefined,
    })
    t.equal(unasked.code, 0)
    t.match(unasked.err, 'not asked')
  })

  await t.test(
    'a new refresh key signs when every instance knows it, and the one before still verifies',
    async (t) => {
      const pair = await auth.login(user)
      const old = kidOf(pair.refresh_token)
      t.equal((await runPortcullis(auth, ['keys', 'rotate', '--refresh'])).code, 0)
      await auth.app.keyring.reload()
      const soon = await refresh(pair.refresh_token)
      t.equal(kidOf(soon.body.refresh_token), old, 'not at once')
      await age(auth, '20 seconds')
      await Promise.all(instances.map((app) => app.keyring.reload()))
      const later = await refresh(soon.body.refresh_token, callOf(another))
      t.equal(later.status, 200)
      t.not(kidOf(later.body.refresh_token), old)
      t.equal((await refresh(later.body.refresh_token)).status, 200)
    },
  )

  await t.test('refresh keys that are given up verify nothing when the command returns', async (t) => {
    const pair = await auth.login(user)
    const { code } = await runPortcullis(auth, ['keys', 'rotate', '--refresh', '--compromised'])
    t.equal(code, 0)
    for (const app of instances) t.equal((await refresh(pair.refresh_token, callOf(app))).status, 401)
    const { sealed } = await auth.app.db
      .selectFrom('refresh_keys')
      .select('sealed')
      .where('kid', '=', kidOf(pair.refresh_token))
      .executeTakeFirstOrThrow()
    t.equal(sealed.length, 0, 'the key is gone')
    const next = await auth.login(user)
    t.equal((await refresh(next.refresh_token)).status, 200)
  })

  await t.test('an instance that has not read a refresh key yet does so when a token names it', async (t) => {
    // However new it is: the keys have just been read, and have just been looked through for another one.
    const unread = async (): Promise<string> => {
      await another.keyring.reload()
      await another.keyring.findRefreshKey('unknown', Math.floor(auth.clock.now() / 1000))
      await auth.app.db.transaction().execute((trx) => rotateRefreshKey(trx, auth.app.keyMaker))
      await age(auth, '20 seconds')
      await auth.app.keyring.reload()
      const { refresh_token } = await auth.login(user)
      // On a busy machine it reads them by itself meanwhile.
      return another.keyring.refreshKey(kidOf(refresh_token)) ? unread() : refresh_token
    }
    const refresh_token = await unread()
    t.equal((await refresh(refresh_token)).status, 200)
    // First the pair that the other instance has given out, and then the token by itself.
    const replayed = await refresh(refresh_token, callOf(another))
    t.equal(replayed.status, 200)
    t.equal((await refresh(replayed.body.refresh_token, callOf(another))).status, 200)
  })

  await t.test('the public keys can be exported, the one that signs first', async (t) => {
    const { out } = await runPortcullis(auth, ['keys', 'export-pem'])
    const pems = out.match(/-----BEGIN PUBLIC KEY-----[^]+?-----END PUBLIC KEY-----\n?/g) ?? []
    t.ok(pems.length >= 2)
    const active = auth.app.keyring.jwks.keys.find((key) => key.kid === auth.app.keyring.activeKid)
    t.match(createPublicKey(pems[0] ?? '').export({ format: 'jwk' }), { x: active?.x, y: active?.y })
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-keys-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    t.equal((await runPortcullis(auth, ['keys', 'export-pem', join(folder, 'pem'), '--files', '5'])).code, 0)
    t.strictSame(readdirSync(join(folder, 'pem')).toSorted(), ['1.pem', '2.pem', '3.pem', '4.pem', '5.pem'])
    t.equal(readFileSync(join(folder, 'pem', '1.pem'), 'utf8').trim(), pems[0]?.trim())
    t.equal((await runPortcullis(auth, ['keys', 'export-pem', '--files', 'x'])).code, 1)
    for (const place of ['1.pem', '1.pem/below'])
      t.match(await runPortcullis(auth, ['keys', 'export-pem', join(folder, 'pem', place)]), {
        code: 1,
        out: '',
        err: /^error: the keys cannot be written: .*1\.pem.*\n$/,
      })
  })

  await t.test('all is rotated by schedule, once, whichever instance looks first', async (t) => {
    const { keyMaker, db } = auth.app
    const old = auth.app.keyring.activeKid
    t.notOk(await rotateWhenDue(db, keyMaker, 30))
    await age(auth, '31 days')
    const done = await Promise.all(Array.from({ length: 3 }, () => rotateWhenDue(db, keyMaker, 30)))
    t.equal(done.filter(Boolean).length, 1)
    await auth.app.keyring.reload()
    t.not(auth.app.keyring.activeKid, old)
    t.notOk(await rotateWhenDue(db, keyMaker, 30))
  })

  await t.test(
    'they are sealed again under a new sealing key, while instances with the old one run',
    async (t) => {
      const pair = await auth.login(user)
      const next = {
        KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
        KEY_ENCRYPTION_KEY_PREVIOUS: auth.env['KEY_ENCRYPTION_KEY'] ?? '',
      }
      const renewed = await auth.another(next)
      t.equal((await callOf(renewed)('GET', '/api/v1/users/me', { token: pair.access_token })).status, 200)
      await auth.app.keyring.reload()
      t.ok(await auth.login(user), 'who holds the keys open goes on')
      const alone = await auth.another({ KEY_ENCRYPTION_KEY: next.KEY_ENCRYPTION_KEY })
      t.equal(
        (await callOf(alone)('POST', '/api/v1/refresh', { body: { refresh_token: pair.refresh_token } }))
          .status,
        200,
      )
      const outdated = build(loadConfig(ConfigSchema, auth.env))
      await t.rejects(
        async () => outdated.ready(),
        /neither KEY_ENCRYPTION_KEY nor KEY_ENCRYPTION_KEY_PREVIOUS/,
      )
      await outdated.close()
    },
  )
})

t.test('revoke-all', async (t) => {
  const auth = await startAuth(t)
  await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
  const verifiers = [await startVerifier(t, auth), await startVerifier(t, auth)]
  const user = await auth.newUser()
  const pairs = [await auth.login(user), await auth.login(user)]
  const kids = auth.app.keyring.jwks.keys.map((key) => key.kid)
  const slow = new pg.Client({ connectionString: auth.databaseUrl })
  await slow.connect()
  const held = slow.query('begin; select from sessions for update; select pg_sleep(3); commit')
  const { code, out } = await runPortcullis(auth, ['revoke-all'])
  await held
  await slow.end()
  t.equal(code, 0, 'however long it has to wait for a session')
  t.match(out, 'sessions: 2')
  t.match(out, 'revocation_pending: 0')
  for (const pair of pairs) {
    t.equal(await countAccepting(verifiers, pair.access_token), 0, 'no access token is good')
    const { status } = await auth.call('POST', '/api/v1/refresh', {
      body: { refresh_token: pair.refresh_token },
    })
    t.equal(status, 401, 'no refresh token is good')
  }
  t.notOk(
    auth.app.keyring.jwks.keys.some((key) => kids.includes(key.kid)),
    'no key is the same',
  )
  const next = await auth.login(user)
  t.equal(await countAccepting(verifiers, next.access_token), 2, 'who logs in again is let in')
  for (const { refresh_token } of pairs)
    t.equal(auth.app.keyring.refreshKey(kidOf(refresh_token)), undefined, 'nor any key of refresh tokens')
  const fresh = await startVerifier(t, auth)
  t.equal(await countAccepting([fresh], next.access_token), 1)
  t.equal((await auth.call('POST', '/api/v1/logout', { token: next.access_token })).status, 200)
  t.equal(await countAccepting([...verifiers, fresh], next.access_token), 0)
})
