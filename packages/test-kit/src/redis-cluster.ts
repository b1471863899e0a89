import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { asAdmin, eventually, temporaryFolder, usersArgs } from './redis-admin.ts'
import { freePort, startRedis, type TestRedis } from './redis.ts'
import type { Teardown } from './teardown.ts'

const SLOTS = 16_384
const NODE_TIMEOUT_MS = 1000

export interface TestCluster {
  /** `redis-cluster://` with all nodes, as this user if there are users. */
  url(user?: { username: string; password: string }): string
  /** Those that began with slots, and behind them as many that began as their replicas. */
  readonly nodes: readonly TestRedis[]
  /** The node that holds the key now. */
  ownerOf(key: string): Promise<TestRedis>
  /** Waits until every node finds that all slots are served, and each primary has its replicas. */
  untilWhole(): Promise<void>
}

export interface ClusterOptions {
  /** Nodes that begin with slots. Default 3. */
  readonly primaries?: number
  /** Replicas of each. Default 1. */
  readonly replicas?: number
  /** Lines of an ACL file; without them everybody may do everything. */
  readonly users?: readonly string[]
}

/** Starts a Redis Cluster that ends with the test. A node that is killed may be started again in its place. */
export async function startCluster(t: Teardown, options: ClusterOptions = {}): Promise<TestCluster> {
  const { primaries = 3, replicas = 1, users } = options
  const count = primaries * (1 + replicas)
  const nodes = await Promise.all(Array.from({ length: count }, () => startNode(t, users)))
  const admin = (node: TestRedis, ...command: [string, ...(string | number)[]]) =>
    asAdmin(node.port, users !== undefined, (client) => client.call(...command))
  const [first] = nodes
  if (!first) throw new Error('a cluster has at least one node')
  const untilWhole = () =>
    eventually('the cluster is whole', async () => {
      const views = await Promise.all(nodes.map((node) => admin(node, 'CLUSTER', 'SLOTS').then(readSlots)))
      const states = await Promise.all(nodes.map((node) => admin(node, 'CLUSTER', 'INFO')))
      return (
        states.every((state) => String(state).includes('cluster_state:ok')) &&
        views.every((view) => view.length > 0 && view.every(({ ports }) => ports.length === 1 + replicas))
      )
    })

  const share = Math.ceil(SLOTS / primaries)
  for (const [index, node] of nodes.slice(0, primaries).entries()) {
    const end = Math.min(SLOTS, (index + 1) * share) - 1
    await admin(node, 'CLUSTER', 'ADDSLOTSRANGE', index * share, end)
    await admin(node, 'CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
  }
  for (const node of nodes.slice(1))
    await admin(node, 'CLUSTER', 'MEET', '127.0.0.1', first.port, first.busPort)
  for (const [index, node] of nodes.slice(primaries).entries()) {
    const id = String(await admin(nodes[index % primaries] ?? first, 'CLUSTER', 'MYID'))
    await eventually('the nodes know each other', async () => {
      await admin(node, 'CLUSTER', 'REPLICATE', id)
      return true
    })
  }
  await untilWhole()

  return {
    url: (user) => {
      const [host, ...others] = nodes.map(({ port }) => `127.0.0.1:${port}`)
      const login = user ? `${user.username}:${user.password}@` : ''
      return `redis-cluster://${login}${host}?${others.map((node) => `node=${node}`).join('&')}`
    },
    nodes,
    ownerOf: async (key) => {
      for (const node of nodes) {
        const slot = Number(await admin(node, 'CLUSTER', 'KEYSLOT', key).catch(() => Number.NaN))
        if (Number.isNaN(slot)) continue
        const slots = readSlots(await admin(node, 'CLUSTER', 'SLOTS'))
        const port = slots.find(({ from, to }) => slot >= from && slot <= to)?.ports[0]
        const owner = nodes.find((candidate) => candidate.port === port)
        if (owner) return owner
      }
      throw new Error('nobody has the key')
    },
    untilWhole,
  }
}

async function startNode(t: Teardown, users: readonly string[] | undefined) {
  const folder = temporaryFolder(t)
  const busPort = await freePort()
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-port': `${busPort}`,
    'cluster-announce-ip': '127.0.0.1',
    'cluster-node-timeout': `${NODE_TIMEOUT_MS}`,
    'cluster-config-file': `${folder}/nodes.conf`,
    'repl-diskless-sync-delay': '0',
    dir: folder,
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const args = [...flags, ...usersArgs(folder, users)]
  return { ...(await startRedis(t, { args })), busPort }
}

const isSlots = Compile(Type.Array(Type.Array(Type.Union([Type.Integer(), Type.Array(Type.Unknown())]))))

/** The answer to CLUSTER SLOTS: ranges, each with the port of its primary and of the replicas. */
function readSlots(answer: unknown): { from: number; to: number; ports: number[] }[] {
  if (!isSlots.Check(answer)) return []
  return answer.map(([from, to, ...servers]) => ({
    from: Number(from),
    to: Number(to),
    ports: servers.map((server) => Number(Array.isArray(server) ? server[1] : 0)),
  }))
}
