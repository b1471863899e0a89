import { join } from 'node:path'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { revocationKeys } from '@portcullis/schemas'
import { startCluster, startRedis, startSentinels, type TestRedis } from '@portcullis/test-kit'
import { redisUsers, verifierRules } from '../compose/redis-users.ts'
import { tell, World, type Finding, type RedisUrls } from './world.ts'

const FAILOVERS = 10
const LOGOUTS = 120
const PASSWORD = 'secret'
const USERS = [
  ...redisUsers({ auth: `>${PASSWORD}`, content: `>${PASSWORD}` }),
  `user outsider on >${PASSWORD} ${verifierRules('outsider')}`,
]
const SHARDS = ['{revocations}:log', '{cache:auth}', 'active:somebody']

/** A world on this Redis in which everybody is a user with the least rights. */
async function startWorld(t: Test, url: (db: number, user: Login) => string) {
  const folder = mkdtempSync(join(tmpdir(), 'full-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const log = join(folder, 'log')
  const login = (username: string) => ({ username, password: PASSWORD })
  const urls: RedisUrls = {
    auth: (db) => url(db, login('auth')),
    content: (db) => url(db, login('content')),
    outsider: url(1, login('outsider')),
  }
  const world = await World.start(t, urls, log)
  return { world, log: () => readFileSync(log, 'utf8') }
}

interface Login {
  readonly username: string
  readonly password: string
}

/** What the servers have refused their users. */
async function refusals(servers: readonly TestRedis[]): Promise<string[]> {
  const found: string[] = []
  for (const { port } of servers) {
    const admin = new Redis(port, '127.0.0.1', { username: 'admin', password: 'admin', protocol: 2 })
    const entries: unknown = await admin.call('ACL', 'LOG')
    admin.disconnect()
    for (const entry of Array.isArray(entries) ? entries : [])
      if (Array.isArray(entry) && !entry.includes('nobody')) found.push(JSON.stringify(entry))
  }
  return found
}

function passes(t: Test, name: string, finding: Finding): void {
  t.comment(tell(name, finding))
  t.equal(finding.accepted, 0, 'nobody takes a token for good after its logout')
  t.ok(finding.repairedMs < 30_000)
}

t.test('one server: every user has the rights that it needs', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'full-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const aclFile = join(folder, 'users.acl')
  writeFileSync(aclFile, [...USERS, 'user admin on >admin ~* &* +@all', ''].join('\n'))
  const server = await startRedis(t, { args: ['--aclfile', aclFile] })
  const { world, log } = await startWorld(t, (db, { username, password }) =>
    server.url(db).replace('//', `//${username}:${password}@`),
  )
  t.strictSame(await world.walk(), [])
  passes(t, 'no fault', await world.underLogouts(20, async () => undefined))
  t.strictSame(await refusals([server]), [])
  t.notMatch(log(), /"level":[56]0/)
})

t.test('Sentinels', async (t) => {
  const sentinels = await startSentinels(t, { users: USERS })
  const { world, log } = await startWorld(t, (db, login) => sentinels.url(db, login))

  await t.test('the walk works, with no more rights than needed', async (t) => {
    t.strictSame(await world.walk(), [])
    t.strictSame(await refusals(sentinels.servers), [])
  })

  await t.test('the primary killed under logouts', async (t) => {
    const leader = await sentinels.primary()
    const kill = async () => {
      await leader.kill()
      await sentinels.untilFailover(leader)
    }
    passes(t, 'primary killed', await world.underLogouts(LOGOUTS, kill))
    await leader.restart()
    await sentinels.untilReplicated()
  })

  await t.test('the primary frozen under logouts', async (t) => {
    const leader = await sentinels.primary()
    const freeze = async () => {
      leader.pause()
      await sentinels.untilFailover(leader)
    }
    passes(t, 'primary frozen', await world.underLogouts(LOGOUTS, freeze))
    leader.resume()
    await sentinels.untilReplicated()
  })

  await t.test(`${FAILOVERS} failovers that lose what was acknowledged`, async (t) => {
    for (let i = 1; i <= FAILOVERS; i++) {
      const leader = await sentinels.primary()
      const lose = async () => {
        await sentinels.cutReplica()
        await new Promise((resolve) => setTimeout(resolve, 1000))
        await leader.kill()
        await sentinels.untilFailover(leader)
      }
      passes(t, `failover ${i} that loses a second`, await world.underLogouts(LOGOUTS, lose))
      await leader.restart()
      await sentinels.untilReplicated()
    }
  })

  t.strictSame(await world.walk(), [])
  t.notMatch(log(), /"level":[56]0/)
})

t.test('a Cluster', async (t) => {
  const cluster = await startCluster(t, { users: USERS })
  const { world, log } = await startWorld(t, (_db, login) => cluster.url(login))

  await t.test('the walk works, with no more rights than needed', async (t) => {
    t.strictSame(await world.walk(), [])
    t.strictSame(await refusals(cluster.nodes), [])
  })

  for (const key of SHARDS)
    await t.test(`the node of ${key} killed under logouts, and its replica promoted`, async (t) => {
      const owner = await cluster.ownerOf(key)
      passes(t, `node of ${key} killed`, await world.underLogouts(LOGOUTS, () => owner.kill()))
      await owner.restart()
      await cluster.untilWhole()
    })

  await t.test('the node of the log frozen under logouts', async (t) => {
    const owner = await cluster.ownerOf(revocationKeys.log)
    passes(t, 'node of the log frozen', await world.underLogouts(LOGOUTS, async () => owner.pause()))
    owner.resume()
    await cluster.untilWhole()
  })

  t.strictSame(await world.walk(), [])
  t.notMatch(log(), /"level":[56]0/)
})

t.test('a server without replicas, restarted empty, is filled again', async (t) => {
  const server = await startRedis(t)
  const { world } = await startWorld(t, (db) => server.url(db))
  passes(t, 'restarted empty', await world.underLogouts(LOGOUTS, () => server.restart()))
})
