import { unwrap, type PortcullisClient, type SessionEvent } from '@portcullis/client'
import t from 'tap'
import { startPair } from '../test/support/pair.ts'
import { signIn, spoilAccess, startBrowser, Wire } from '../test/support/tabs.ts'

const REFRESH = 'POST /api/v1/refresh'

const pair = await startPair(t, { auth: { RATE_LIMIT_MAX: '0' }, content: { RATE_LIMIT_MAX: '0' } })

const listTasks = async ({ content }: PortcullisClient) =>
  (await content.GET('/api/v1/tasks')).response.status

t.test('tabs that find the token refused at once ask for one refresh between them', async (t) => {
  const browser = startBrowser(t, pair)
  const wire = new Wire()
  const tabs = Array.from({ length: 5 }, () => browser.open(wire))
  await signIn(browser.open())
  for (let round = 1; round <= 3; round += 1) {
    await spoilAccess(browser.storage)
    const statuses = await Promise.all(
      tabs.flatMap((tab) => Array.from({ length: 10 }, () => listTasks(tab))),
    )
    t.ok(statuses.every((status) => status === 200))
    t.equal(wire.count(REFRESH), round)
  }
})

t.test('without Web Locks each tab may refresh, and the session lives', async (t) => {
  const browser = startBrowser(t, pair, false)
  const wire = new Wire()
  const tabs = Array.from({ length: 5 }, () => browser.open(wire))
  await signIn(browser.open())
  for (let round = 1; round <= 3; round += 1) {
    await spoilAccess(browser.storage)
    const statuses = await Promise.all(
      tabs.flatMap((tab) => Array.from({ length: 10 }, () => listTasks(tab))),
    )
    t.ok(statuses.every((status) => status === 200))
    t.ok(wire.count(REFRESH) <= round * tabs.length)
  }
})

t.test('a logout in one tab is seen by the others, which then act as nobody', async (t) => {
  const browser = startBrowser(t, pair)
  const [one, other] = [browser.open(), browser.open()]
  const events: SessionEvent[] = []
  other.session.subscribe((event) => events.push(event))
  await signIn(one)
  t.equal(await listTasks(other), 200)
  await unwrap(one.auth.POST('/api/v1/logout'))
  t.strictSame(events, [
    { type: 'signed-in', elsewhere: true },
    { type: 'signed-out', elsewhere: true },
  ])
  t.notOk(await other.session.isSignedIn())
  t.match(await other.content.GET('/api/v1/tasks'), { error: { code: 'AUTH_TOKEN_MISSING' } })
})

t.test('a refresh that is answered after another tab has logged out brings nobody back', async (t) => {
  const browser = startBrowser(t, pair)
  const wire = new Wire()
  const [one, other] = [browser.open(), browser.open(wire)]
  await signIn(one)
  const good = await browser.storage.read()
  await spoilAccess(browser.storage)
  const held = wire.hold(REFRESH)
  const call = listTasks(other)
  await held.answered
  await browser.storage.write(good)
  await unwrap(one.auth.POST('/api/v1/logout'))
  held.release()
  t.equal(await call, 401)
  t.notOk(await other.session.isSignedIn())
  t.notOk(await one.session.isSignedIn())
})

t.test('what a user asked for is never done as another one who has logged in meanwhile', async (t) => {
  const browser = startBrowser(t, pair)
  const wire = new Wire()
  const [one, other] = [browser.open(wire), browser.open()]
  await signIn(one)
  await spoilAccess(browser.storage)
  const held = wire.hold('POST /api/v1/tasks')
  const call = one.content.POST('/api/v1/tasks', { body: { title: 'mine' } })
  await held.answered
  await signIn(other)
  held.release()
  t.equal((await call).response.status, 401)
  t.equal((await unwrap(other.content.GET('/api/v1/tasks'))).items.length, 0)
  t.ok(await other.session.isSignedIn())
})
