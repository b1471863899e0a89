import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import t, { type Test as TapTest } from 'tap'
import { revocationKeys, type TokenPair } from '@portcullis/schemas'
import { startProxy, type TestProxy } from '@portcullis/test-kit'
import type { Verifier } from '@portcullis/token-verifier'
import type {} from '@portcullis/token-verifier/fastify'
import { readStoredProgress } from '../../src/revocation/verifiers/acks.ts'
import { defineAppend } from '../../src/revocation/append.ts'
import { raiseEpoch } from '../../src/revocation/epoch.ts'
import { readLog } from '../../src/revocation/log.ts'
import { Registrar } from '../../src/revocation/verifiers/registrar.ts'
import { Relay } from '../../src/revocation/relay.ts'
import { Serving } from '../../src/revocation/verifiers/serving.ts'
import { listVerifiers } from '../../src/revocation/verifiers/queries.ts'
import { callOf, MovableClock, startAuth, type TestAuth } from '../support/auth.ts'
import { backUp, ON_ANOTHER_TIMELINE } from '../support/backup.ts'
import { registerClient } from '../support/client.ts'
import { append, untilWhole } from '../support/log.ts'
import { until } from '../support/until.ts'
import { countAccepting, openRedis, startVerifier } from '../support/verifiers.ts'

/** Longer than from one look at the table of verifiers to the next. */
const A_LOOK_MS = 1300
/** For how long it goes on without hearing anything: longer than any failover here takes. */
const MAX_AGE_SECONDS = 20

const namesOf = async ({ app: { db } }: TestAuth) =>
  (await db.selectFrom('verifiers').select('name').execute()).map(({ name }) => name)

/** Promotes a database that has lost these rows, and waits for the epoch that begins by it. */
async function failOver(auth: TestAuth, lostRows: readonly string[]): Promise<void> {
  const { epoch } = auth.app.replica
  const goBack = await backUp(auth)
  const names = lostRows.map((name) => `'${name}'`).join()
  await goBack(`${ON_ANOTHER_TIMELINE}; delete from verifiers where name in (${names})`)
  await until(() => auth.app.replica.epoch > epoch, 'a new epoch')
}

interface Cut {
  readonly verifier: Verifier
  readonly proxies: readonly TestProxy[]
}

const joined: Record<string, (t: TapTest, auth: TestAuth) => Promise<Cut>> = {
  'by Redis a moment before': async (t, auth) => {
    const proxy = await startProxy(t, auth.redis.url(1))
    const options = { redisUrl: proxy.url, maxStalenessSeconds: MAX_AGE_SECONDS }
    return { verifier: await startVerifier(t, auth, options), proxies: [proxy] }
  },
  'over the feed a moment before': async (t, auth) => {
    await auth.app.listen({ host: '127.0.0.1', port: 0 })
    const proxy = await startProxy(t, auth.app.listeningOrigin)
    const { client_secret: clientSecret } = await registerClient(auth, {
      id: 'fed',
      scopes: ['revocations:read'],
    })
    const feed = { authUrl: new URL(proxy.url).origin, clientSecret }
    const options = { hasRedis: false, clientId: 'fed', feed, maxStalenessSeconds: MAX_AGE_SECONDS }
    const verifier = await startVerifier(t, auth, options)
    return { verifier, proxies: [proxy] }
  },
  'as another instance of auth': async (t, auth) => {
    const [database, redis] = [await startProxy(t, auth.databaseUrl), await startProxy(t, auth.redis.url(1))]
    const app = await auth.another({
      DATABASE_URL: database.url,
      REVOCATION_REDIS_URL: redis.url,
      MAX_STALENESS_SECONDS: `${MAX_AGE_SECONDS}`,
    })
    t.teardown(() => Promise.all([database.mend(), redis.mend()]))
    await sleep(A_LOOK_MS)
    return { verifier: app.verifier, proxies: [database, redis] }
  },
}

for (const [how, join] of Object.entries(joined))
  t.test(`a verifier that joined ${how} is waited for after a failover that has lost its row`, async (t) => {
    const auth = await startAuth(t)
    await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
    const before = await namesOf(auth)
    const { access_token, refresh_token } = await auth.login(await auth.newUser())
    const { verifier, proxies } = await join(t, auth)
    const names = (await namesOf(auth)).filter((name) => !before.includes(name))
    t.equal(names.length, 1)
    for (const proxy of proxies) proxy.stall()
    await failOver(auth, names)
    const { body } = await auth.call('POST', '/api/v1/refresh', { body: { refresh_token } })
    const answer = auth.call('POST', '/api/v1/logout', { token: body.access_token })
    await sleep(50)
    t.equal(await countAccepting([verifier], access_token), 1, 'it takes tokens of the epoch before')
    const { status, headers } = await answer
    t.equal(status, 202)
    t.equal(headers['revocation-pending'], '1')
  })

t.test('who had left when the database failed over does not come back into the table', async (t) => {
  const auth = await startAuth(t)
  const { db } = auth.app
  const rowOf = (name: string) => ({ name, client_id: 'content', max_age: 60 })
  // As other instances of auth put them there, and take them out.
  await db.insertInto('verifiers').values(['content/stays', 'content/leaves'].map(rowOf)).execute()
  await sleep(A_LOOK_MS)
  await db.deleteFrom('verifiers').where('name', '=', 'content/leaves').execute()
  await sleep(A_LOOK_MS)
  await failOver(auth, ['content/stays'])
  t.strictSame(
    (await namesOf(auth)).filter((name) => name.startsWith('content/')),
    ['content/stays'],
  )
})

t.test('a verifier is remembered for as long as it may serve', async (t) => {
  const clock = new MovableClock()
  const serving = new Serving(clock)
  const names = () => serving.entries().map(({ name }) => name)
  const entryOf = (name: string, maxAge: number) => ({ name, clientId: 'content', maxAge })
  serving.note(entryOf('brief', 1))
  serving.note(entryOf('long', 30))
  serving.note(entryOf('old', 30), clock.monotonic() - 31_000)
  t.strictSame(names(), ['brief', 'long', 'old'])
  clock.advance(3100)
  t.strictSame(names(), ['long'])

  const since = clock.monotonic()
  clock.advance(1)
  serving.note(entryOf('new', 30))
  serving.forgetOthers(new Set(), since)
  t.strictSame(names(), ['new'], 'who is noted while the table is read may not be in what was read')
  serving.note(entryOf('new', 30), since - 20_000)
  clock.advance(20_000)
  t.strictSame(names(), ['new'], 'what was heard last counts')
  serving.forget('new')
  t.strictSame(names(), [])
})

t.test(
  'a mark comes back in a new epoch only once its verifier has been put into the table again',
  async (t) => {
    const auth = await startAuth(t)
    await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
    const redis = openRedis(t, auth)
    await startVerifier(t, auth)
    const { epoch } = auth.app.replica
    const [name = ''] = (await namesOf(auth)).filter((each) => each.startsWith('content/'))
    const marksSince = async () => {
      const beats = await redis.xrange(revocationKeys.beat, '-', '+')
      return beats.flatMap(([, [, of, , , , , , marks]]) => (Number(of) > epoch ? [marks ?? ''] : []))
    }
    await failOver(auth, [name])
    await until(async () => (await marksSince()).some((marks) => marks.includes(name)), 'a mark comes back')
    t.equal((await marksSince())[0], '{}')
    t.ok((await namesOf(auth)).includes(name))

    await t.test('whatever is remembered of it', async (t) => {
      const { db } = auth.app
      const clock = new MovableClock()
      const log = { info: () => undefined, warn: () => undefined }
      const registrar = new Registrar({ db, redis, clock, log, serving: new Serving(clock) })
      const note = (mark: string) =>
        registrar.update([
          {
            name: 'content/other',
            clientId: 'content',
            instance: 'other',
            state: 'live',
            mark,
            position: '0-0',
            max_age: 30,
          },
        ])
      await registrar.update([])
      t.strictSame(await note('m1'), { 'content/other': 'm1' })
      await db.deleteFrom('verifiers').where('name', '=', 'content/other').execute()
      registrar.distrustTable()
      t.strictSame(await note('m1'), {})
      t.strictSame(await note('m2'), { 'content/other': 'm2' })
      t.ok((await namesOf(auth)).includes('content/other'))
    })
  },
)

t.test('who has no row is gone, unless the database may have lost it', async (t) => {
  const auth = await startAuth(t)
  const { db } = auth.app
  const row = { name: 'content/there', client_id: 'content', max_age: 60, epoch: 1, seq: 7 }
  await db.insertInto('verifiers').values(row).execute()
  const names = ['content/there', 'content/missing']
  t.strictSame(
    await readStoredProgress(db, names, 1),
    new Map<string, unknown>([
      ['content/there', { epoch: 1, seq: 7 }],
      ['content/missing', 'gone'],
    ]),
  )
  t.strictSame(await readStoredProgress(db, ['content/missing'], 1), new Map([['content/missing', 'gone']]))
  t.equal((await readStoredProgress(db, names, 2)).size, 0, 'in another epoch')
  const trx = await db.startTransaction().execute()
  await sql.raw(ON_ANOTHER_TIMELINE).execute(trx)
  t.equal((await readStoredProgress(trx, names, 1)).size, 0, 'on another history')
  await trx.rollback().execute()
})

t.test(
  'a logout that only Redis remembers ends its session, though Redis was away as the epoch began',
  async (t) => {
    const auth = await startAuth(t)
    const redis = openRedis(t, auth)
    const [lost, kept] = [await auth.login(await auth.newUser()), await auth.login(await auth.newUser())]
    const goBack = await backUp(auth)
    t.equal((await auth.call('POST', '/api/v1/logout', { token: lost.access_token })).status, 200)
    const before = await untilWhole(auth, redis)
    await auth.app.close()
    await goBack(ON_ANOTHER_TIMELINE)

    const proxy = await startProxy(t, auth.redis.url(1))
    await proxy.cut()
    const app = await auth.another({ REVOCATION_REDIS_URL: proxy.url })
    const refresh = ({ refresh_token }: TokenPair) =>
      callOf(app)('POST', '/api/v1/refresh', { body: { refresh_token } })
    t.strictSame(
      await redis.xrange(revocationKeys.log, '-', '+', 'COUNT', 2).then((all) => all.map(([id]) => id)),
      before,
    )
    await proxy.mend()
    const ids = await untilWhole({ app }, redis)
    t.notOk(
      ids.some((id) => before.includes(id)),
      'the stream is of the new epoch',
    )
    t.equal((await refresh(lost)).status, 401)
    const next = await refresh(kept)
    t.equal(next.status, 200)
    t.equal(await countAccepting([app.verifier], next.body.access_token), 1)
  },
)

t.test('an event of an older epoch is known to nobody, whoever has reached the new one', async (t) => {
  const auth = await startAuth(t)
  await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
  const verifier = await startVerifier(t, auth)
  const { barrier, db, relay, replica } = auth.app
  const redis = openRedis(t, auth)
  await append(db, 'a session')
  await untilWhole(auth, redis)
  const [verifiers, { head }] = [await listVerifiers(db), await readLog(db, { epoch: 0, seq: 0 })]
  const position = { epoch: head.epoch, seq: head.seq }
  t.equal(await barrier.wait({ position, verifiers }), 0)

  await db.transaction().execute((trx) => raiseEpoch(trx, position))
  await until(() => [replica, verifier].every(({ position: { epoch } }) => epoch > head.epoch), 'a new epoch')
  await untilWhole(auth, redis)
  t.equal(relay.neededFor(position), undefined)
  t.equal(await barrier.wait({ position, verifiers }), verifiers.length)
})

t.test(
  'a database that goes back to an older epoch is not carried, though nothing stands in the newer one',
  async (t) => {
    const auth = await startAuth(t)
    const { db } = auth.app
    const redis = openRedis(t, auth)
    defineAppend(redis)
    const clock = new MovableClock()
    const log = { info: () => undefined, warn: () => undefined }
    const mends: unknown[] = []
    const history = {
      mend: async (reason: string, _epoch: number, end: unknown) => void mends.push([reason, end]),
      learn: async () => undefined,
    }
    const registrar = new Registrar({ db, redis, clock, log, serving: new Serving(clock) })
    const relay = new Relay({ db, redis, registrar, history, log })
    await append(db, 'before')
    await relay.start()
    t.teardown(() => relay.stop())
    const { epoch } = await db.transaction().execute((trx) => raiseEpoch(trx, { epoch: 0, seq: 0 }))
    await untilWhole(auth, redis)
    await until(async () => {
      relay.poke()
      const head = await redis.get(revocationKeys.head)
      return head?.startsWith(`${epoch}-`) ?? false
    })
    await relay.stop()
    t.strictSame(mends, [])
    await auth.app.pg.query('update revocation_head set epoch = 1, seq = seq + 1')
    await relay.start()
    t.strictSame(mends[0], ['behind redis', { epoch, seq: 0 }])
  },
)
