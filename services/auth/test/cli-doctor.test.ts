import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'
import { Redis } from 'ioredis'
import { sql } from 'kysely'
import t from 'tap'
import { createDatabase, selfSigned, startRedis, type Teardown } from '@portcullis/test-kit'
import type { Finding } from '../src/cli/doctor/finding.ts'
import { clockFinding } from '../src/cli/doctor/clock.ts'
import { startAuth } from './support/auth.ts'
import { registerClient } from './support/client.ts'
import { runPortcullis, type Env } from './support/portcullis.ts'

const auth = await startAuth(t, { RATE_LIMIT_MAX: '100', LOGIN_THROTTLE: 'on', ISSUER: 'https://auth.test' })
const content = await createDatabase(t, 'content')

async function examine(env: Env = {}): Promise<{ code: number; well: boolean; findings: Finding[] }> {
  const { code, out } = await runPortcullis(auth, ['doctor', '--json'], {
    CONTENT_DATABASE_URL: content,
    ...env,
  })
  return { code, ...JSON.parse(out) }
}
const about = (findings: readonly Finding[], name: string, state: Finding['state']) =>
  findings.filter((finding) => finding.about === name && finding.state === state)
const failures = (findings: readonly Finding[]) => findings.filter(({ state }) => state === 'failed')

t.test('what is as it should be is found so, and the rest comes with what to do', async (t) => {
  const first = await examine()
  t.strictSame(failures(first.findings), [])
  t.equal(first.code, 0)
  t.match(about(first.findings, 'admins', 'warning'), [{ advice: /portcullis create-admin/ }])
  t.match(about(first.findings, 'verifiers', 'warning'), [{ advice: /portcullis clients create content/ }])
  t.match(about(first.findings, 'redis revocation', 'warning'), [{ finding: /append-only/ }])

  await auth.newUser({ roles: ['admin'] })
  await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
  const { findings, well } = await examine()
  t.equal(well, true)
  t.strictSame(about(findings, 'admins', 'warning'), [])
  for (const name of [
    'settings',
    'database auth',
    'database content',
    'keys',
    'redis cache',
    'redis session',
  ])
    t.ok(about(findings, name, 'ok').length > 0, name)
  for (const clock of ['clock of PostgreSQL', 'clock of redis revocation'])
    t.match(about(findings, clock, 'ok'), [{ finding: /^0\.\d s/ }])
})

t.test('for people each finding is a line, and what to do another', async (t) => {
  const { out, code } = await runPortcullis(auth, ['doctor'])
  t.equal(code, 0)
  t.match(out, /^ok {7}settings/m)
  t.match(out, /^warning {2}redis revocation {2,}not append-only.*\n +→ set appendonly yes/m)
})

t.test('settings that are wrong are all named, and what they leave is looked at', async (t) => {
  const { code, findings, well } = await examine({
    ISSUER: 'http://auth.example.org',
    TRUST_PROXY: 'true',
    PORT: 'many',
    SESSION_REDIS_URL: undefined,
    CONTENT_DATABASE_URL: 'nonsense',
  })
  t.equal(code, 1)
  t.equal(well, false)
  t.strictSame(
    about(findings, 'settings', 'failed').map(({ finding }) => finding.split(' ')[0]),
    ['PORT', 'SESSION_REDIS_URL', 'CONTENT_DATABASE_URL'],
  )
  t.match(about(findings, 'settings', 'warning'), [{ finding: /TLS/ }, { finding: /TRUST_PROXY/ }])
  t.ok(about(findings, 'database auth', 'ok').length > 0)
})

t.test('stores that are away are found so without their passwords', async (t) => {
  const { code, findings } = await examine({
    DATABASE_URL: 'postgres://role:hunter2@127.0.0.1:1/none',
    CONTENT_DATABASE_URL: 'postgres://role:hunter2@127.0.0.1:1/none',
    REVOCATION_REDIS_URL: 'redis://user:hunter2@127.0.0.1:1/1',
  })
  t.equal(code, 1)
  for (const name of ['database auth', 'database content', 'redis revocation'])
    t.match(about(findings, name, 'failed'), [{ finding: /ECONNREFUSED/, advice: /_URL/ }], name)
  t.notMatch(JSON.stringify(findings), 'hunter2')
})

async function listen(t: Teardown, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  return `localhost:${typeof address === 'object' ? address?.port : ''}`
}

t.test('a certificate that is not trusted is found so, with what to do', async (t) => {
  const certificate = selfSigned('localhost')
  const redis = createTlsServer(certificate, (socket) => socket.on('error', () => undefined))
  const place = await listen(
    t,
    redis.on('tlsClientError', () => undefined),
  )
  const { findings } = await examine({
    CACHE_REDIS_URL: `rediss://${place}`,
    REVOCATION_REDIS_URL: `rediss-sentinel://${place}?sentinelServiceName=primary`,
    SESSION_REDIS_URL: `rediss-cluster://${place}`,
    DATABASE_URL: `postgres://u:hunter2@${await listen(t, postgresThatSays('S'))}/db?sslmode=verify-full`,
    CONTENT_DATABASE_URL: `postgres://u:hunter2@${await listen(t, postgresThatSays('N'))}/db?sslmode=verify-full`,
  })
  for (const use of ['cache', 'revocation', 'session'])
    t.match(
      about(findings, `redis ${use}`, 'failed'),
      [{ finding: /self-signed certificate/, advice: /NODE_EXTRA_CA_CERTS/ }],
      use,
    )
  t.match(about(findings, 'database auth', 'failed'), [
    { finding: /self-signed certificate/, advice: /sslrootcert/ },
  ])
  t.match(about(findings, 'database content', 'failed'), [
    { finding: /does not support SSL/, advice: /sslmode/ },
  ])
  t.notMatch(JSON.stringify(findings), 'hunter2')

  /** Of PostgreSQL only what it answers to whoever asks for TLS. */
  function postgresThatSays(answer: 'S' | 'N'): Server {
    return createServer((socket: Socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        socket.write(answer)
        if (answer === 'S')
          new TLSSocket(socket, { isServer: true, ...certificate }).on('error', () => undefined)
      })
    })
  }
})

t.test('a logical database that the server has not is found missing', async (t) => {
  const redis = await startRedis(t, { args: ['--databases', '1'] })
  const { findings } = await examine({ SESSION_REDIS_URL: redis.url(2) })
  t.match(about(findings, 'redis session', 'warning')[0], { finding: /no such logical database/ })
})

t.test('migrations that are missing are named', async (t) => {
  const url = new URL(content)
  const empty = `${url.pathname.slice(1)}_empty`
  await sql`create database ${sql.id(empty)}`.execute(auth.app.db)
  t.teardown(() => sql`drop database ${sql.id(empty)} with (force)`.execute(auth.app.db))
  url.pathname = empty
  const { findings } = await examine({ DATABASE_URL: url.href })
  t.match(about(findings, 'database auth', 'failed'), [
    { finding: /migrations are missing: 0001-users, /, advice: '`portcullis migrate`' },
  ])
  t.strictSame(about(findings, 'keys', 'ok'), [], 'and what needs them is not looked at')
})

t.test('databases in which names are not unique, or text is not UTF-8, are found so', async (t) => {
  const made = {
    DATABASE_URL: "locale_provider icu icu_locale 'tr-TR'",
    CONTENT_DATABASE_URL: "encoding 'LATIN1' locale 'C' locale_provider libc",
  }
  const urls: Record<string, string> = {}
  for (const [setting, options] of Object.entries(made)) {
    const url = new URL(content)
    url.pathname += `_${setting.toLowerCase()}`
    const name = url.pathname.slice(1)
    await sql`create database ${sql.id(name)} template template0 ${sql.raw(options)}`.execute(auth.app.db)
    t.teardown(() => sql`drop database ${sql.id(name)} with (force)`.execute(auth.app.db))
    urls[setting] = url.href
  }
  const { code, findings } = await examine(urls)
  t.equal(code, 1)
  t.match(about(findings, 'database auth', 'failed')[0], {
    finding: /^the database \w+_database_url has a locale whose lower case of A to Z is not a to z/,
    advice: /builtin_locale 'C\.UTF-8'/,
  })
  t.match(about(findings, 'database content', 'failed')[0], {
    finding: /^the database \w+_content_database_url has the encoding LATIN1/,
    advice: /encoding 'UTF8'/,
  })
})

t.test('a sealing key that does not fit, and one that is left over, are told apart', async (t) => {
  const [current, other] = [auth.env['KEY_ENCRYPTION_KEY'] ?? '', randomBytes(32).toString('base64')]
  const wrong = await examine({ KEY_ENCRYPTION_KEY: other })
  t.match(about(wrong.findings, 'keys', 'failed'), [{ finding: /does not open/, advice: /PREVIOUS/ }])
  const rotating = await examine({ KEY_ENCRYPTION_KEY: other, KEY_ENCRYPTION_KEY_PREVIOUS: current })
  t.match(about(rotating.findings, 'keys', 'warning'), [{ advice: /restart auth/ }])
  const done = await examine({ KEY_ENCRYPTION_KEY_PREVIOUS: other })
  t.match(about(done.findings, 'keys', 'ok').at(-1), { finding: /the previous one can go/ })
})

t.test('a key that has signed for long should be rotated', async (t) => {
  const older = (days: number) =>
    sql`update signing_keys set activated_at = now() - make_interval(days => ${days}) where state = 'active'`.execute(
      auth.app.db,
    )
  await older(400)
  t.match(about((await examine()).findings, 'keys', 'warning'), [{ advice: /portcullis keys rotate/ }])
  await older(40)
  t.strictSame(about((await examine()).findings, 'keys', 'warning'), [])
  const planned = await examine({ KEY_ROTATION_DAYS: '30' })
  t.match(about(planned.findings, 'keys', 'warning'), [{ finding: /although KEY_ROTATION_DAYS is 30/ }])
  const rsa = await examine({ SIGNING_ALGORITHM: 'RS256' })
  t.match(about(rsa.findings, 'keys', 'warning')[0], { finding: /no RS256 key that is active or standby/ })
})

t.test('a verifier that has fallen silent is named', async (t) => {
  await sql`insert into verifiers (name, client_id, max_age, seen_at)
    values ('content/gone', 'content', 600, now() - interval '11 minutes')`.execute(auth.app.db)
  const { findings } = await examine()
  t.match(about(findings, 'verifiers', 'warning'), [
    { finding: /^content\/gone has been silent for 66\d s/, advice: /forgotten by itself/ },
  ])
  await auth.app.db.deleteFrom('verifiers').where('name', '=', 'content/gone').execute()
})

t.test('a client that has as many verifiers as it may is named', async (t) => {
  await sql`insert into verifiers (name, client_id, max_age)
    select 'content/' || n, 'content', 60 from generate_series(1, 200) n`.execute(auth.app.db)
  const { findings } = await examine()
  t.match(about(findings, 'verifiers', 'warning'), [
    { finding: /^content has 200 verifiers/, advice: /portcullis clients disable content/ },
  ])
  t.match(about(findings, 'verifiers', 'ok'), [{ finding: /^20\d live: .*content 200/ }])
  await auth.app.db.deleteFrom('verifiers').where('client_id', '=', 'content').execute()
})

t.test('a database that was restored is noticed', async (t) => {
  await auth.app.relay.stop()
  await sql`update revocation_head set system_id = 'another'`.execute(auth.app.db)
  const { findings } = await examine()
  t.match(about(findings, 'revocation log', 'warning'), [{ finding: /restored or promoted/ }])
  await sql`update revocation_head h set system_id = c.system_id from current_history() c`.execute(
    auth.app.db,
  )
})

t.test('a Redis that evicts, is a replica, or refuses what auth does, fails', async (t) => {
  const redis = await startRedis(t, {
    args: [
      '--maxmemory',
      '100mb',
      '--maxmemory-policy',
      'allkeys-lru',
      '--appendonly',
      'yes',
      '--dir',
      t.testdir(),
    ],
  })
  const admin = new Redis(redis.url(0), { protocol: 2 })
  t.teardown(() => admin.disconnect())
  const evicting = await examine({ REVOCATION_REDIS_URL: redis.url(1) })
  t.match(about(evicting.findings, 'redis revocation', 'failed'), [
    { finding: /maxmemory-policy is allkeys-lru/, advice: /noeviction/ },
  ])
  t.strictSame(about(evicting.findings, 'redis revocation', 'warning'), [], 'append-only')

  await admin.call('ACL', 'SETUSER', 'limited', 'on', '>hunter2', '~none', '&none', '+@all')
  const limited = redis.url(1).replace('redis://', 'redis://limited:hunter2@')
  const refused = await examine({
    REVOCATION_REDIS_URL: limited,
    SESSION_REDIS_URL: limited,
    CACHE_REDIS_URL: limited,
  })
  for (const use of ['revocation', 'session', 'cache'])
    t.match(
      about(refused.findings, `redis ${use}`, 'failed').at(-1),
      {
        finding: /may not do what auth does: .*NOPERM|No permissions/,
        advice: /docs\/operations\.md/,
      },
      use,
    )
  const stranger = await examine({ CACHE_REDIS_URL: limited.replace('hunter2', 'hunter3') })
  t.match(about(stranger.findings, 'redis cache', 'failed'), [{ finding: /cannot be used: .*WRONGPASS/ }])
  t.notMatch(JSON.stringify(stranger), 'hunter3')

  await admin.replicaof('127.0.0.1', auth.redis.port)
  const replica = await examine({ SESSION_REDIS_URL: redis.url(2) })
  t.match(about(replica.findings, 'redis session', 'failed')[0], { finding: /is a replica/ })
  await admin.replicaof('NO', 'ONE')
})

t.test('clocks that differ are measured, the time of asking left out', async (t) => {
  const at = (offset: number) => clockFinding('clock', async () => Date.now() + offset)
  t.match(await at(0), { state: 'ok' })
  t.match(await at(-3000), { state: 'warning', finding: /^3\.0 s/, advice: /NTP/ })
  t.match(await at(60_000), { state: 'failed', finding: /^60\.0 s/ })
})
