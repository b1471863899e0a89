import pg from 'pg'
import t from 'tap'
import { sql } from 'kysely'
import { callOf, startAuth } from '../support/auth.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'

t.test('the transaction of a revocation', async (t) => {
  const auth = await startAuth(t)
  const proxy = await startProxy(t, auth.databaseUrl)
  const proxied = await auth.another({ DATABASE_URL: proxy.url })
  const logout = (token: string, call = auth.call) => call('POST', '/api/v1/logout', { token })

  await t.test('is answered with 503 when somebody holds the head row for more than a second', async (t) => {
    const pair = await auth.login(await auth.newUser())
    const holder = new pg.Client({ connectionString: auth.databaseUrl })
    await holder.connect()
    t.teardown(() => holder.end())
    await holder.query('begin; select from revocation_head for update')
    const refused = await logout(pair.access_token)
    t.equal(refused.status, 503)
    t.equal(refused.body.code, 'UNAVAILABLE')
    t.equal(refused.headers['retry-after'], '1')
    await holder.query('rollback')
    t.equal(
      (await auth.call('GET', '/api/v1/users/me', { token: pair.access_token })).status,
      200,
      'nothing was done',
    )
    t.equal((await logout(pair.access_token)).status, 200)
  })

  for (const [path, statement] of [
    ['/api/v1/logout', 'end_sessions'],
    ['/api/v1/logout_all', 'append_revocation'],
  ] as const)
    await t.test(`whose answer is lost says that the outcome is not known: ${path}`, async (t) => {
      const { access_token: token } = await auth.login(await auth.newUser())
      proxy.cutAfter(statement)
      const lost = await callOf(proxied)('POST', path, { token })
      t.equal(lost.status, 503)
      t.equal(lost.body.code, 'OUTCOME_UNKNOWN')
      t.equal(lost.headers['retry-after'], '1')
      const again = await logout(token, callOf(proxied))
      t.equal(again.status, 200, 'repeating it tells')
      t.match(again.headers['revocation-position'], /^1-\d+$/)
      t.equal((await auth.call('GET', '/api/v1/users/me', { token })).status, 401)
    })

  for (const [path, statement] of [
    ['/api/v1/logout', 'end_sessions'],
    ['/api/v1/logout_all', 'append_revocation'],
  ] as const)
    await t.test(`waits for whoever has joined before it got its place in the log: ${path}`, async (t) => {
      const { access_token: token } = await auth.login(await auth.newUser())
      const holder = new pg.Client({ connectionString: auth.databaseUrl })
      await holder.connect()
      t.teardown(() => holder.end())
      await holder.query('begin; select from revocation_head for update')
      const answered = auth.call('POST', path, { token })
      await until(async () => {
        const { rowCount } = await proxied.pg.query(
          `select from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock' and query ~ $1`,
          [statement],
        )
        return rowCount === 1
      }, 'it waits for the head row')
      await holder.query(
        `insert into verifiers (name, client_id, max_age) values ('content/late', 'content', 60); commit`,
      )
      t.match(await answered, { status: 202, headers: { 'revocation-pending': '1' } })
      await holder.query(`delete from verifiers where name = 'content/late'`)
    })

  await t.test('that PostgreSQL ends during the commit says the same', async (t) => {
    const pair = await auth.login(await auth.newUser())
    const holder = new pg.Client({ connectionString: auth.databaseUrl })
    await holder.connect()
    t.teardown(() => holder.end())
    await holder.query('begin; select from revocation_head for update')
    // Not by the holder: a transaction sees the activity as it was when it first looked.
    const terminate = async () => {
      const { rowCount } = await proxied.pg.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query like '%end_sessions%'`,
      )
      return (rowCount ?? 0) > 0
    }
    let code = 'UNAVAILABLE'
    // On a slow machine the time that it waits for the row may be over before its end is found.
    while (code === 'UNAVAILABLE') {
      let isAnswered = false
      const answer = logout(pair.access_token).finally(() => (isAnswered = true))
      await until(async () => isAnswered || terminate())
      code = (await answer).body.code
    }
    t.equal(code, 'OUTCOME_UNKNOWN')
    await holder.query('rollback')
    t.equal((await logout(pair.access_token)).status, 200)
  })

  await t.test('is undone as a whole by an error, even one that was caught', async (t) => {
    await t.rejects(
      auth.app.transact(async (trx) => {
        await sql`select 1 / 0`.execute(trx).catch(() => undefined)
        return { value: undefined }
      }),
      /rolled back/,
    )
    await t.rejects(
      auth.app.transact(async (trx) => {
        await trx.insertInto('roles').values({ name: 'undone' }).execute()
        throw new Error('on purpose')
      }),
      /on purpose/,
    )
    const undone = await auth.app.db.selectFrom('roles').select('name').where('name', '=', 'undone').execute()
    t.strictSame(undone, [])
    const { value } = await auth.app.transact(async () => ({ value: 'the connection is as good as before' }))
    t.type(value, 'string')
  })

  await t.test('may end a session and tell of a user at the same time', async (t) => {
    const user = await auth.newUser()
    const { receipt } = await auth.app.transact(async () => ({
      value: undefined,
      change: { userId: user.id, username: `it's "${user.username}"\\`, deleted: false },
      revoke: { kind: 'session', key: `it's a key` },
    }))
    t.equal(receipt?.position.epoch, 1)
    t.match(receipt?.verifiers, [{ client_id: 'auth' }])
    const change = await auth.app.db
      .selectFrom('user_changes')
      .select('username')
      .orderBy('seq', 'desc')
      .executeTakeFirst()
    t.equal(change?.username, `it's "${user.username}"\\`)
  })
})
