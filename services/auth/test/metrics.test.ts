import t from 'tap'
import { startAuth } from './support/auth.ts'

const auth = await startAuth(t)

/** Values of a metric, by what stands in its braces. */
async function values(name: string): Promise<Map<string, number>> {
  const text = await auth.app.metrics.metrics()
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`))
  return new Map(
    lines.map((line) => {
      const [, labels = '', value] = /^\w+\{(.*)\} (\S+)$/.exec(line) ?? []
      return [labels.replace(/,?service="auth",?/, ''), Number(value)]
    }),
  )
}

t.test('logins are counted by outcome', async (t) => {
  const user = await auth.newUser()
  await auth.login(user)
  await auth.call('POST', '/api/v1/login', {
    body: { username: user.username, password: 'not the password' },
  })
  await auth.call('POST', '/api/v1/login', { body: {} })
  const logins = await values('auth_logins_total')
  t.equal(logins.get('outcome="success"'), 1)
  t.equal(logins.get('outcome="wrong"'), 1)
  t.equal(logins.get('outcome="invalid"'), 1)
})

t.test('problems are counted by their codes', async (t) => {
  await auth.call('GET', '/api/v1/users/me')
  const problems = await values('problems_total')
  t.ok((problems.get('code="AUTH_TOKEN_MISSING"') ?? 0) >= 1)
  t.equal(problems.get('code="AUTH_CREDENTIALS_WRONG"'), 1)
})

t.test('so are those of routes under /oauth, which answer in the form of RFC 6749', async (t) => {
  const { refresh_token } = await auth.login(await auth.newUser())
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const refresh = async (token: string) => {
    const payload = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }).toString()
    const response = await auth.app.inject({ method: 'POST', url: '/oauth/token', headers, payload })
    return { status: response.statusCode, body: response.json() }
  }
  const next = await refresh(refresh_token)
  t.equal(next.status, 200)
  t.equal((await refresh(next.body.refresh_token)).status, 200)
  t.match(await refresh(refresh_token), { status: 400, body: { error: 'invalid_grant' } })
  t.equal((await values('problems_total')).get('code="AUTH_REFRESH_REUSED"'), 1)

  const malformed = async () => (await values('problems_total')).get('code="REQUEST_INVALID"') ?? 0
  const before = await malformed()
  await auth.app.inject({ method: 'POST', url: '/oauth/token', headers, payload: 'a=%00' })
  t.equal((await malformed()) - before, 1)
})

t.test('a revocation shows in the replica and in the time that its answer waited', async (t) => {
  const logout = async () => {
    const { access_token } = await auth.login(await auth.newUser())
    t.equal((await auth.call('POST', '/api/v1/logout', { token: access_token })).status, 200)
  }
  // After its answer whatever was revoked before is in the replica, too.
  await logout()
  const before = await values('revocation_replica_entries')
  await logout()
  const after = await values('revocation_replica_entries')
  t.equal((after.get('') ?? 0) - (before.get('') ?? 0), 1)
  t.ok(((await values('revocation_replica_age_seconds')).get('') ?? Infinity) < 2)
  t.ok(((await values('revocation_barrier_seconds_count')).get('outcome="complete"') ?? 0) >= 1)
  t.equal((await values('revocation_barrier_seconds_count')).get('outcome="pending"'), 0, 'counted from zero')
  t.equal((await values('revocation_verifiers')).get(''), 1)
  t.equal((await values('revocation_relay_up')).get(''), 1)
})

t.test('the stores and the hashing of passwords are looked at', async (t) => {
  t.equal((await values('redis_up')).get(''), 1)
  t.ok((await values('postgres_pool_waiting')).has(''))
  t.ok((await values('postgres_pool_connections')).has('state="busy"'))
  t.strictSame([...(await values('auth_password_jobs')).keys()].sort(), [
    'state="running"',
    'state="waiting"',
  ])
})

t.test('what clients send adds no series', async (t) => {
  await auth.call('GET', '/api/v1/nowhere')
  const before = (await auth.app.metrics.metrics()).split('\n').length
  for (let i = 0; i < 50; i++) {
    await auth.call('GET', `/nowhere/${i}?n=${i}`)
    await auth.call('GET', `/problems/NONE_${i}`)
    await auth.call('GET', '/api/v1/users/me', { token: `forged-${i}` })
  }
  const after = (await auth.app.metrics.metrics()).split('\n').length
  t.ok(after - before < 60, `${after - before} lines more`)
})
