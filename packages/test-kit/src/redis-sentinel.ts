import { join } from 'node:path'
import { ADMIN, asAdmin, eventually, temporaryFolder, usersArgs } from './redis-admin.ts'
import { startRedis, type TestRedis } from './redis.ts'
import type { Teardown } from './teardown.ts'

/** Under which the Sentinels know the primary. */
const NAME = 'portcullis'
const SENTINELS = 3
const DOWN_AFTER_MS = 500

export interface TestSentinels {
  /** `redis-sentinel://` with all Sentinels, of a logical database, as this user if there are users. */
  url(db?: number, user?: { username: string; password: string }): string
  /** A primary and a replica, whichever is which by now. */
  readonly servers: readonly TestRedis[]
  readonly sentinels: readonly TestRedis[]
  /** Whom the Sentinels call the primary. */
  primary(): Promise<TestRedis>
  /** Waits until the primary has a replica that knows all it knows. */
  untilReplicated(): Promise<void>
  /** From now on, and until it is told who leads, the replica hears nothing that is written to the primary. */
  cutReplica(): Promise<void>
  /** Waits until the Sentinels call another server the primary. */
  untilFailover(from: TestRedis): Promise<void>
}

export interface SentinelOptions {
  /** Lines of an ACL file for the servers; without them everybody may do everything. */
  readonly users?: readonly string[]
}

/** Starts a primary, a replica and three Sentinels, which end with the test. */
export async function startSentinels(t: Teardown, options: SentinelOptions = {}): Promise<TestSentinels> {
  const { users } = options
  const hasUsers = users !== undefined
  const folder = temporaryFolder(t)
  const startServer = async () => {
    // A replica writes down what it is sent at first.
    const own = temporaryFolder(t)
    return startRedis(t, {
      args: ['--repl-diskless-sync-delay', '0', '--dir', own, ...usersArgs(own, users)],
    })
  }
  const servers = await Promise.all([startServer(), startServer()])
  const [first, second] = servers
  await asAdmin(second.port, hasUsers, (admin) => admin.replicaof('127.0.0.1', first.port))
  const sentinels = await Promise.all(
    Array.from({ length: SENTINELS }, (_, index) =>
      startRedis(t, { args: ['--sentinel'], config: join(folder, `sentinel-${index}.conf`) }),
    ),
  )
  for (const { port } of sentinels) await monitor(port, first.port, hasUsers)

  const primary = async () => {
    for (const { port } of sentinels) {
      const address = await asAdmin(port, false, (admin) =>
        admin.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME),
      ).catch(() => undefined)
      const found = servers.find((server) => Array.isArray(address) && Number(address[1]) === server.port)
      if (found) return found
    }
    throw new Error('no Sentinel names a primary')
  }
  const replicationOf = ({ port }: TestRedis) => asAdmin(port, hasUsers, (admin) => admin.info('replication'))
  const untilReplicated = () =>
    eventually('the primary has a replica', async () => {
      const leader = await primary()
      const follower = servers.find((server) => server !== leader) ?? first
      const [leads, follows] = [await replicationOf(leader), await replicationOf(follower)]
      return (
        /role:master[^]*connected_slaves:1/.test(leads) &&
        new RegExp(`master_port:${leader.port}\\b[^]*master_link_status:up`).test(follows)
      )
    })
  await untilReplicated()
  await eventually('the Sentinels know each other and the replica', async () => {
    const known = await Promise.all(
      sentinels.map(({ port }) => asAdmin(port, false, (admin) => admin.call('SENTINEL', 'MASTER', NAME))),
    )
    return known.every(
      (fields) => valueOf(fields, 'num-other-sentinels') === '2' && valueOf(fields, 'num-slaves') === '1',
    )
  })

  return {
    url: (db = 0, user) => {
      const [host, ...others] = sentinels.map(({ port }) => `127.0.0.1:${port}`)
      const login = user ? `${user.username}:${user.password}@` : ''
      const nodes = others.map((node) => `&node=${node}`).join('')
      return `redis-sentinel://${login}${host}/${db}?sentinelServiceName=${NAME}${nodes}`
    },
    servers,
    sentinels,
    primary,
    untilReplicated,
    cutReplica: async () => {
      const leader = await primary()
      const follower = servers.find((server) => server !== leader) ?? first
      // It cannot log in when it comes back.
      await asAdmin(follower.port, hasUsers, (admin) =>
        admin.config('SET', 'masteruser', 'nobody', 'masterauth', 'nothing'),
      )
      await asAdmin(leader.port, hasUsers, (admin) => admin.call('CLIENT', 'KILL', 'TYPE', 'replica'))
    },
    untilFailover: (from) =>
      eventually('a failover', async () => {
        const leader = await primary()
        if (leader === from || !(await replicationOf(leader)).includes('role:master')) return false
        const { username, password } = hasUsers ? ADMIN : { username: '', password: '' }
        await asAdmin(leader.port, hasUsers, (admin) =>
          admin.config('SET', 'masteruser', username, 'masterauth', password),
        )
        return true
      }),
  }
}

async function monitor(sentinelPort: number, port: number, hasUsers: boolean): Promise<void> {
  await asAdmin(sentinelPort, false, async (admin) => {
    await admin.call('SENTINEL', 'MONITOR', NAME, '127.0.0.1', port, 2)
    const settings = {
      'down-after-milliseconds': DOWN_AFTER_MS,
      'failover-timeout': 3000,
      'parallel-syncs': 1,
    }
    const login = { 'auth-user': ADMIN.username, 'auth-pass': ADMIN.password }
    for (const [name, value] of Object.entries({ ...settings, ...(hasUsers && login) }))
      await admin.call('SENTINEL', 'SET', NAME, name, value)
  })
}

/** Of a flat list of names and values. */
function valueOf(fields: unknown, name: string): unknown {
  return Array.isArray(fields) ? fields[fields.indexOf(name) + 1] : undefined
}
