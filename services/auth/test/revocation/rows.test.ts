import pg from 'pg'
import t from 'tap'
import { revocationKeys, type Ack } from '@portcullis/schemas'
import { startProxy } from '@portcullis/test-kit'
import { StaleError } from '@portcullis/token-verifier'
import type {} from '@portcullis/token-verifier/fastify'
import { changeClient, deleteClient } from '../../src/clients/manage.ts'
import { MAX_VERIFIERS_OF_CLIENT } from '../../src/revocation/verifiers/admit.ts'
import { Registrar } from '../../src/revocation/verifiers/registrar.ts'
import { Serving } from '../../src/revocation/verifiers/serving.ts'
import {
  deleteVerifierSeenAt,
  deleteVerifiers,
  insertVerifiers,
  renewVerifiers,
  restoreVerifiers,
} from '../../src/revocation/verifiers/queries.ts'
import { MovableClock, startAuth, type TestAuth } from '../support/auth.ts'
import { backUp, ON_ANOTHER_TIMELINE } from '../support/backup.ts'
import { newClient, registerClient } from '../support/client.ts'
import { until } from '../support/until.ts'
import { countAccepting, openRedis, startVerifier } from '../support/verifiers.ts'

const SCOPES = ['revocations:read']

function tableOf({ app: { db } }: TestAuth) {
  return {
    names: async (clientId: string) => {
      const rows = await db.selectFrom('verifiers').select('name').where('client_id', '=', clientId).execute()
      return rows.map(({ name }) => name)
    },
    /** Puts so many verifiers of the client into the table, as if they had joined. */
    fill: async (clientId: string, count: number) => {
      const values = Array.from({ length: count }, (_, index) => ({
        name: `${clientId}/v${index}`,
        client_id: clientId,
        max_age: 60,
      }))
      await db.insertInto('verifiers').values(values).execute()
    },
    empty: () => db.deleteFrom('verifiers').where('client_id', '!=', 'auth').execute(),
  }
}

const ackOf = (mark: string, ack: Partial<Ack> = {}): Ack => ({
  state: 'live',
  mark,
  position: '0-0',
  max_age: 1,
  ...ack,
})

t.test('a client that has as many verifiers as it may', async (t) => {
  const auth = await startAuth(t)
  const { db } = auth.app
  const table = tableOf(auth)
  const { token } = await newClient(auth, 'revocations:read', 'many')
  const ask = (verifier: string, more: Record<string, string> = {}) => {
    const ack = { after: '0-0', verifier, state: 'live', position: '0-0', mark: verifier, max_age: '60' }
    const query = new URLSearchParams({ ...ack, ...more }).toString()
    return auth.call('GET', `/api/v1/revocations?${query}`, { token })
  }

  await t.test('has no further one join over the feed, and keeps those that it has', async (t) => {
    await table.fill('many', MAX_VERIFIERS_OF_CLIENT)
    const { status, body, headers } = await ask('one-more')
    t.equal(status, 429)
    t.match(body, { code: 'AUTH_VERIFIERS_FULL', detail: /200 verifiers/ })
    t.ok(Number(headers['retry-after']) > 0)
    t.notOk((await table.names('many')).includes('many/one-more'))
    t.match(await ask('v0'), { status: 200, body: { mark: 'v0' } })
    t.equal((await ask('v1', { state: 'leaving' })).status, 200)
    t.match(await ask('one-more'), { status: 200, body: { mark: 'one-more' } })
    t.equal((await table.names('many')).length, MAX_VERIFIERS_OF_CLIENT)
  })

  await t.test('has no more even if they come at once', async (t) => {
    await table.empty()
    await table.fill('many', MAX_VERIFIERS_OF_CLIENT - 2)
    const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => ask(`at-once-${index}`)))
    t.equal(answers.filter(({ status }) => status === 200).length, 2)
    t.equal((await table.names('many')).length, MAX_VERIFIERS_OF_CLIENT)
  })

  await t.test(
    'has no further one join by Redis, hinders no other, and is named once a minute',
    async (t) => {
      await table.empty()
      await table.fill('many', MAX_VERIFIERS_OF_CLIENT)
      await registerClient(auth, { id: 'other', scopes: SCOPES })
      const clock = new MovableClock()
      const warnings: object[] = []
      const log = { info: () => undefined, warn: (fields: object) => warnings.push(fields) }
      const registrar = new Registrar({
        db,
        redis: openRedis(t, auth),
        clock,
        log,
        serving: new Serving(clock),
      })
      let marks = 0
      const hear = (...names: string[]) =>
        registrar.update(
          names.map((name) => {
            const [clientId = '', instance = ''] = name.split('/')
            return { ...ackOf(`m${marks++}`), name, clientId, instance }
          }),
        )
      await hear()
      t.strictSame(await hear('many/one-more', 'many/v0', 'other/one'), {
        'many/v0': 'm1',
        'other/one': 'm2',
      })
      t.notOk((await table.names('many')).includes('many/one-more'))
      t.strictSame(await hear('many/one-more'), {})
      t.match(warnings, [{ client_id: 'many', limit: 200 }])
      t.equal(warnings.length, 1)
      clock.advance(60_000)
      t.strictSame(await hear('many/one-more'), {})
      t.equal(warnings.length, 2)
    },
  )
})

for (const [how, end] of Object.entries({
  'is disabled': (auth: TestAuth) => changeClient(auth.app, 'content', { status: 'disabled' }),
  'is deleted': (auth: TestAuth) => deleteClient(auth.app, 'content'),
  'loses the scope': (auth: TestAuth) => changeClient(auth.app, 'content', { scopes: [] }),
}))
  t.test(`a client that ${how}`, async (t) => {
    const auth = await startAuth(t)
    const table = tableOf(auth)
    await registerClient(auth, { id: 'content', scopes: SCOPES })
    const redis = openRedis(t, auth)
    const say = (instance: string, mark: string, ack: Partial<Ack> = {}) =>
      redis.hset(revocationKeys.ack('content'), instance, JSON.stringify(ackOf(mark, ack)))
    const logout = async () => {
      const { access_token } = await auth.login(await auth.newUser())
      return auth.call('POST', '/api/v1/logout', { token: access_token })
    }

    await t.test('has its verifiers waited for until they have stopped, and no longer', async (t) => {
      const verifier = await startVerifier(t, auth, { maxStalenessSeconds: 1 })
      const { access_token } = await auth.login(await auth.newUser())
      const isStale = () =>
        verifier.verify(access_token).then(
          () => false,
          (error: unknown) => error instanceof StaleError,
        )
      await say('hostile', 'first')
      await until(async () => (await table.names('content')).length === 2)
      await end(auth)
      let marks = 0
      const speaking = setInterval(() => void say('hostile', `again-${marks++}`), 100)
      t.teardown(() => clearInterval(speaking))
      await until(isStale, 'the verifier serves no more')
      t.equal((await table.names('content')).length, 2, 'the verifiers are waited for at least until then')
      await until(async () => (await table.names('content')).length === 0, 'they are waited for no more')
      t.ok(await isStale())
      t.equal((await logout()).status, 200)
      clearInterval(speaking)
    })

    await t.test('enters no new ones, and can still take its own out', async (t) => {
      await table.fill('content', 2)
      let marks = 0
      // The rows have the acks of the client listened to, for what leaves.
      const speaking = setInterval(() => void say('new', `new-${marks++}`), 50)
      t.teardown(() => clearInterval(speaking))
      await say('v0', 'leaving', { state: 'leaving' })
      await until(async () => !(await table.names('content')).includes('content/v0'))
      clearInterval(speaking)
      t.strictSame(await table.names('content'), ['content/v1'])
      const position = { epoch: 0, seq: 0 }
      const ack = { clientId: 'content', state: 'live', maxAge: 1, position } as const
      for (const name of ['content/v1', 'content/new'])
        await t.rejects(auth.app.revocationFeed.answer(position, 'm', { ...ack, name }), {
          code: 'AUTH_TOKEN_INVALID',
        })
      t.strictSame(await table.names('content'), ['content/v1'])
    })
  })

t.test('whoever changes several rows at once waits for nobody that waits for it', async (t) => {
  const auth = await startAuth(t)
  const { db } = await auth.another()
  await registerClient(auth, { id: 'content', scopes: SCOPES })
  const entryOf = (name: string) => ({ name, clientId: 'content', maxAge: 60 })
  const [a, b] = ['content/a', 'content/b']
  const holder = new pg.Client({ connectionString: auth.databaseUrl })
  await holder.connect()
  t.teardown(() => holder.end())
  const waiting = async (count: number) => {
    const { rows } = await auth.app.pg.query<{ count: number }>(
      `select count(*)::int from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and query ~ 'verifiers'`,
    )
    return (rows[0]?.count ?? 0) >= count
  }
  for (const [what, change] of [
    ['renews', renewVerifiers],
    ['takes out', deleteVerifiers],
  ] as const)
    await t.test(`an instance that ${what} rows and one that enters them`, async (t) => {
      await insertVerifiers(db, [entryOf(a), entryOf(b)])
      await holder.query('begin')
      await holder.query('select from verifiers where name = $1 for update', [a])
      // Each has one of the rows by now, or waits for the first; the acks come in no order.
      const changing = change(auth.app.db, [b, a])
      await until(() => waiting(1), 'the first waits')
      const entering = insertVerifiers(db, [entryOf(b), entryOf(a)])
      await until(() => waiting(2), 'the second waits')
      await holder.query('commit')
      const names = await changing
      t.strictSame(new Set(names), new Set([a, b]))
      t.strictSame((await entering).present, new Set([a, b]))
    })
})

t.test('a verifier that was heard since its row was looked at is not taken out', async (t) => {
  const auth = await startAuth(t)
  const { db } = auth.app
  await registerClient(auth, { id: 'content', scopes: SCOPES })
  const name = 'content/heard'
  const seenAt = async () => {
    const row = await db.selectFrom('verifiers').select('seen_at').where('name', '=', name).executeTakeFirst()
    return row?.seen_at ?? new Date(0)
  }
  await insertVerifiers(db, [{ name, clientId: 'content', maxAge: 60 }])
  const before = await seenAt()
  await until(async () => {
    t.strictSame(await renewVerifiers(db, [name]), [name])
    return (await seenAt()) > before
  })
  t.notOk(await deleteVerifierSeenAt(db, name, before))
  t.strictSame(await tableOf(auth).names('content'), [name])
  t.ok(await deleteVerifierSeenAt(db, name, await seenAt()))
})

for (const [how, enter] of [
  ['joins', insertVerifiers],
  ['is put back', restoreVerifiers],
] as const)
  t.test(`a verifier that ${how} while something is being revoked is entered after that`, async (t) => {
    const auth = await startAuth(t)
    const { db } = auth.app
    await registerClient(auth, { id: 'content', scopes: SCOPES })
    const redis = openRedis(t, auth)
    await until(async () => {
      const [beat] = await redis.xrevrange(revocationKeys.beat, '+', '-', 'COUNT', 1)
      return beat?.[1].some((field) => field.includes('"auth/')) ?? false
    }, 'this instance has been entered')
    const holder = new pg.Client({ connectionString: auth.databaseUrl })
    await holder.connect()
    t.teardown(() => holder.end())
    await holder.query(`begin; select append_revocation('session', 'under way', 0)`)
    const entering = enter(db, [{ name: 'content/late', clientId: 'content', maxAge: 60 }])
    await until(async () => {
      const { rowCount } = await auth.app.pg.query(
        `select from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query ~ 'revocation_head'`,
      )
      return rowCount === 1
    }, 'it waits for the head row')
    await holder.query('commit')
    await entering
    t.strictSame(await tableOf(auth).names('content'), ['content/late'])
  })

t.test(
  'a verifier whose row a failover has lost takes no token of the epoch that begins by it',
  async (t) => {
    const auth = await startAuth(t)
    await registerClient(auth, { id: 'content', scopes: SCOPES })
    const user = await auth.newUser()
    const goBack = await backUp(auth)
    const proxy = await startProxy(t, auth.redis.url(1))
    const verifier = await startVerifier(t, auth, { redisUrl: proxy.url, maxStalenessSeconds: 30 })
    const { epoch } = auth.app.replica
    proxy.stall()
    await goBack(`${ON_ANOTHER_TIMELINE}; delete from verifiers where client_id = 'content'`)
    await until(() => auth.app.replica.epoch > epoch, 'a new epoch')
    const { access_token: token } = await auth.login(user)
    await t.rejects(verifier.verify(token), StaleError)
    t.match(await auth.call('POST', '/api/v1/logout', { token }), {
      status: 202,
      headers: { 'revocation-pending': '1' },
    })
    t.equal(await countAccepting([verifier], token), 0)

    await proxy.mend()
    await until(() => verifier.position.epoch > epoch)
    const { access_token: next } = await auth.login(user)
    t.equal(await countAccepting([verifier], next), 1, 'and it takes them when it has reached its log')
    t.equal(await countAccepting([verifier], token), 0)
  },
)
