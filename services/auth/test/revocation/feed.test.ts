import pg from 'pg'
import t from 'tap'
import type { Feed } from '@portcullis/schemas'
import { createVerifier, TokenError } from '@portcullis/token-verifier'
import { callOf, startAuth, type Answer } from '../support/auth.ts'
import { newClient } from '../support/client.ts'
import { until } from '../support/until.ts'

t.test('the feed of the revocation log', async (t) => {
  const auth = await startAuth(t)
  const { app } = auth
  const client = await newClient(auth, 'revocations:read', 'feeder')
  const ask = (query: Record<string, string>, token = client.token): Promise<Answer> =>
    auth.call('GET', `/api/v1/revocations?${new URLSearchParams(query).toString()}`, { token })
  const logout = async () => {
    const pair = await auth.login(await auth.newUser())
    return { pair, answer: await auth.call('POST', '/api/v1/logout', { token: pair.access_token }) }
  }
  const ack = (verifier: string, state: string, position = '0-0') => ({
    after: position,
    verifier,
    state,
    position,
    mark: `${verifier}.${state}`,
    max_age: '2',
  })
  const head = async (): Promise<string> => {
    const { body } = await ask({ after: '0-0' })
    return `${body.epoch}-${body.seq}`
  }
  const rows = () => app.db.selectFrom('verifiers').selectAll().where('client_id', '=', 'feeder').execute()

  await t.test('only a client with the scope may read it', async (t) => {
    const path = '/api/v1/revocations?after=0-0'
    t.equal((await auth.call('GET', path)).status, 401)
    const user = await auth.login(await auth.newUser())
    t.equal((await auth.call('GET', path, { token: user.access_token })).status, 403)
    const other = await newClient(auth, 'users:changes')
    t.equal((await auth.call('GET', path, { token: other.token })).status, 403)
  })

  await t.test('a malformed question is refused by the name of the parameter', async (t) => {
    for (const [parameter, value] of [
      ['after', '1'],
      ['verifier', 'a/b'],
      ['state', 'dead'],
      ['position', 'x'],
      ['max_age', '-1'],
      ['max_age', '61'],
      ['mark', ''],
    ] as const) {
      const { status, body } = await ask({ ...ack('v', 'live'), [parameter]: value })
      t.equal(status, 400)
      t.equal(body.errors[0].parameter, parameter)
    }
    const { status, body } = await ask({ after: '0-0', verifier: 'v', mark: 'm' })
    t.equal(status, 400)
    t.strictSame(
      body.errors.map((error: { parameter: string }) => error.parameter),
      ['position', 'state', 'max_age'],
    )
    t.equal((await ask({})).status, 400)
    t.strictSame(await rows(), [])
  })

  await t.test('it tells what follows a position, and the head', async (t) => {
    const before = await head()
    const { answer } = await logout()
    const position = answer.headers['revocation-position']
    const { body }: { body: Feed } = await ask({ after: before, mark: 'm' })
    t.equal(body.events.length, 1)
    t.match(body.events[0], { kind: 'session', value: 0 })
    t.equal(`${body.epoch}-${body.seq}`, position)
    t.equal(body.more, false)
    t.equal(body.mark, 'm')
    const all = await ask({ after: '0-0' })
    t.match(all.body.events.at(-1), body.events[0])
    t.equal(all.headers['cache-control'], 'no-store')
  })

  await t.test(
    'without news it waits, and answers when any instance has committed a revocation',
    async (t) => {
      const call = callOf(await auth.another())
      const after = await head()
      const waiting = call('GET', `/api/v1/revocations?after=${after}`, { token: client.token })
      const { answer } = await logout()
      t.equal(
        `${(await waiting).body.epoch}-${(await waiting).body.seq}`,
        answer.headers['revocation-position'],
      )

      const began = performance.now()
      const { body } = await ask({ after: await head() })
      t.strictSame(body.events, [])
      t.ok(performance.now() - began > 400)
    },
  )

  await t.test(
    'a verifier that asks is waited for by every revocation until it says that it knows',
    async (t) => {
      t.equal((await ask(ack('one', 'joining'))).body.mark, 'one.joining')
      t.match(await rows(), [{ name: 'feeder/one', max_age: 2, epoch: 0, seq: 0 }])
      const position = await head()
      const live = await ask(ack('one', 'live', position))
      t.equal(live.body.mark, 'one.live', 'a state that is new is answered without waiting')

      let isDone = false
      const revoked = logout().finally(() => (isDone = true))
      const { body } = await ask(ack('one', 'live', position))
      t.equal(body.events.length, 1)
      t.notOk(isDone, 'the verifier knows of it, and has not said so')
      const applied = `${body.epoch}-${body.seq}`
      const [{ answer }] = await Promise.all([revoked, ask(ack('one', 'live', applied))])
      t.equal(answer.status, 200)
      t.equal(answer.headers['revocation-pending'], '0')
      t.match(await rows(), [{ name: 'feeder/one', seq: body.seq }])
    },
  )

  await t.test(
    'when it does not say so for a second the answer is 202, and tells how many are missing',
    async (t) => {
      const { answer } = await logout()
      t.equal(answer.status, 202)
      t.equal(answer.headers['revocation-pending'], '1')
      t.strictSame(answer.body, { revoked: 1 })
    },
  )

  await t.test('a mark comes back with all that was committed before its verifier was entered', async (t) => {
    const holder = new pg.Client({ connectionString: auth.databaseUrl })
    await holder.connect()
    t.teardown(() => holder.end())
    const question = ack('late', 'joining', await head())
    await holder.query('begin; select from revocation_head for update')
    const joining = ask(question)
    await until(async () => {
      const { rowCount } = await app.pg.query(
        `select from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query ~ 'revocation_head'`,
      )
      return rowCount === 1
    }, 'the verifier waits to be entered')
    await holder.query(`select append_revocation('session', 'meanwhile', 0); commit`)
    const { body } = await joining
    t.match(body, { mark: 'late.joining', events: [{ key: 'meanwhile' }] })
    t.equal(`${body.epoch}-${body.seq}`, await head())
    await ask(ack('late', 'leaving'))
  })

  await t.test('a verifier of another client cannot speak for it', async (t) => {
    const other = await newClient(auth, 'revocations:read', 'impostor')
    await ask(ack('one', 'live', '9-9'), other.token)
    await ask(ack('one', 'leaving', '9-9'), other.token)
    t.match(await rows(), [{ name: 'feeder/one' }])
    t.equal((await logout()).answer.status, 202)
  })

  await t.test('a verifier that leaves is waited for no more', async (t) => {
    t.equal((await ask(ack('one', 'leaving'))).status, 200)
    t.strictSame(await rows(), [])
    t.equal((await logout()).answer.status, 200)
  })

  await t.test(
    'a verifier on the feed alone refuses a token when the logout has been answered',
    async (t) => {
      const verifier = createVerifier({
        issuer: auth.env['ISSUER'] ?? '',
        audience: 'portcullis',
        keys: app.keyring,
        clientId: 'feeder',
        clock: auth.clock,
        feed: {
          authUrl: 'http://auth.test',
          clientSecret: 'secret',
          fetch: async (input, init) => {
            const url = new URL(input instanceof Request ? input.url : input)
            if (url.pathname === '/oauth/token')
              return Response.json({ access_token: client.token, expires_in: 3600 })
            const authorization = new Headers(init?.headers).get('authorization') ?? ''
            const { body, status } = await auth.call('GET', `${url.pathname}${url.search}`, {
              headers: { authorization },
            })
            return Response.json(body, { status })
          },
        },
      })
      verifier.start()
      t.teardown(() => verifier.close())
      await until(() => verifier.ready)
      for (let i = 0; i < 20; i++) {
        const pair = await auth.login(await auth.newUser())
        await verifier.verify(pair.access_token)
        const { status } = await auth.call('POST', '/api/v1/logout', { token: pair.access_token })
        t.equal(status, 200)
        await t.rejects(verifier.verify(pair.access_token), new TokenError('AUTH_TOKEN_INVALID', 'revoked'))
      }
      await verifier.close()
      t.strictSame(await rows(), [], 'it has said farewell')
    },
  )
})
