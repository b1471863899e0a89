import { randomUUID } from 'node:crypto'
import pg from 'pg'
import t from 'tap'
import { parsePosition } from '@portcullis/schemas'
import { timed } from '@portcullis/test-kit'
import { callOf, startAuth, statusesOf, type Answer, type TestAuth } from '../support/auth.ts'
import { untilWhole } from '../support/log.ts'
import { until } from '../support/until.ts'
import { openRedis } from '../support/verifiers.ts'

t.test('logouts at the same time', async (t) => {
  const auth = await startAuth(t)
  const redis = openRedis(t, auth)
  const other = callOf(await auth.another())
  const logout = (token: string, call = auth.call) => call('POST', '/api/v1/logout', { token })
  const isAlive = async (token: string) =>
    (await auth.call('GET', '/api/v1/users/me', { token })).status === 200

  await t.test('take consecutive places, in fewer commits than there are of them', async (t) => {
    const before = await lastPlace(auth)
    const tokens = await logins(auth, 40)
    const answers = await Promise.all(tokens.map((token) => logout(token)))
    t.strictSame(new Set(statusesOf(answers)), new Set([200]))
    t.strictSame(
      placesOf(answers),
      Array.from({ length: 40 }, (_, index) => before + index + 1),
    )
    const { rows } = await auth.app.pg.query(
      'select count(*) as events, count(distinct xmin::text) as commits from revocations where seq > $1',
      [before],
    )
    t.match(rows, [{ events: 40 }])
    t.ok(rows[0].commits < 20, `${rows[0].commits} commits`)
    await untilWhole(auth, redis)
    t.strictSame(await Promise.all(tokens.map(isAlive)), Array(40).fill(false))
  })

  await t.test('leave no hole, whichever instance takes them, and a session ends once', async (t) => {
    const before = await lastPlace(auth)
    const tokens = await logins(auth, 60)
    const answers = await Promise.all([
      ...tokens.slice(0, 40).map((token) => logout(token)),
      ...tokens.slice(20).map((token) => logout(token, other)),
    ])
    t.strictSame(new Set(statusesOf(answers)), new Set([200]))
    const places = placesOf(answers)
    t.equal(places.length, 80)
    t.strictSame(
      [...new Set(places)],
      Array.from({ length: 60 }, (_, index) => before + index + 1),
      'the same session is answered with the same place',
    )
    await untilWhole(auth, redis)
  })

  await t.test('are not held up by one whose session somebody is changing', async (t) => {
    const [held = '', ...tokens] = await logins(auth, 20)
    const holder = await connect(t, auth)
    await holder.query('begin')
    await holder.query('select from sessions where id = $1 for update', [sidOf(held)])
    let isAnswered = false
    const late = logout(held).finally(() => (isAnswered = true))
    const answers = await Promise.all(tokens.map((token) => logout(token)))
    t.strictSame(new Set(statusesOf(answers)), new Set([200]))
    t.notOk(isAnswered)
    await holder.query('commit')
    t.equal((await late).status, 200)
    t.notOk(await isAlive(held))
  })

  await t.test('fail alone where a statement fails', async (t) => {
    const tokens = await logins(auth, 20)
    const [bad = ''] = tokens.slice(7)
    const good = tokens.toSpliced(7, 1)
    await auth.app.pg.query(`
      create function refuse() returns trigger language plpgsql as $$ begin raise 'not this one'; end $$;
      create trigger refuse before update on sessions for each row
        when (old.id = '${sidOf(bad)}') execute function refuse()`)
    const [refused, ...answers] = await Promise.all([logout(bad), ...good.map((token) => logout(token))])
    t.equal(refused.status, 500)
    t.strictSame(new Set(statusesOf(answers)), new Set([200]))
    t.ok(await isAlive(bad))
    t.strictSame(await Promise.all(good.map(isAlive)), Array(19).fill(false))
    await auth.app.pg.query('drop function refuse cascade')
    t.equal((await logout(bad)).status, 200)
    await untilWhole(auth, redis)
  })

  await t.test(
    'are all refused within 2 s while somebody holds the head row, and nothing is done',
    async (t) => {
      const tokens = await logins(auth, 10)
      const before = await lastPlace(auth)
      const holder = await connect(t, auth)
      await holder.query('begin; select from revocation_head for update')
      const timedLogout = (token: string) => timed(() => logout(token))
      const first = timedLogout(tokens[0] ?? '')
      await until(async () => (await waiting(holder)) > 0, 'the first waits for the head row')
      const answers = await Promise.all([first, ...tokens.slice(1).map(timedLogout)])
      for (const [, ms] of answers) t.ok(ms < 2000, `${ms} ms`)
      t.strictSame(new Set(statusesOf(answers.map(([answer]) => answer))), new Set([503]))
      await holder.query('rollback')
      t.equal(await lastPlace(auth), before)
      t.strictSame(await Promise.all(tokens.map(isAlive)), Array(10).fill(true))
      const again = await Promise.all(tokens.map((token) => logout(token)))
      t.strictSame(new Set(statusesOf(again)), new Set([200]))
    },
  )

  await t.test('of a session that is not there end nothing', async (t) => {
    const before = await lastPlace(auth)
    const end = { id: randomUUID(), user_id: randomUUID(), reason: 'logout', ended_at: new Date() }
    const [token = ''] = await logins(auth, 1)
    t.equal(await auth.app.endTogether(end), undefined)
    t.equal(await auth.app.endTogether({ ...end, id: sidOf(token) }), undefined, "somebody else's")
    t.ok(await isAlive(token))
    t.equal(await lastPlace(auth), before)
  })
})

async function lastPlace({ app }: TestAuth): Promise<number> {
  const { seq } = await app.db.selectFrom('revocation_head').select('seq').executeTakeFirstOrThrow()
  return seq
}

/** Access tokens of as many sessions, of three users. */
async function logins(auth: TestAuth, count: number): Promise<string[]> {
  const users = [await auth.newUser(), await auth.newUser(), await auth.newUser()]
  const tokens: string[] = []
  while (tokens.length < count) for (const user of users) tokens.push((await auth.login(user)).access_token)
  return tokens.slice(0, count)
}

function sidOf(token: string): string {
  const claims: { sid: string } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return claims.sid
}

function placesOf(answers: readonly Answer[]): number[] {
  return answers
    .map(({ headers }) => parsePosition(String(headers['revocation-position']))?.seq ?? 0)
    .sort((a, b) => a - b)
}

async function connect(
  t: { teardown(fn: () => unknown): void },
  { databaseUrl }: TestAuth,
): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  t.teardown(() => client.end())
  return client
}

/** How many statements of this database wait for a lock. Each look sees the activity anew. */
async function waiting(client: pg.Client): Promise<number> {
  await client.query('select pg_stat_clear_snapshot()')
  const { rowCount } = await client.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rowCount ?? 0
}
