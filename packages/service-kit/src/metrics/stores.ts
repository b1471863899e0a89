import type { Registry } from 'prom-client'
import { gauge, gauges } from './gauge.ts'

/** The part of a `pg.Pool` that is looked at. */
interface Pool {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
  readonly options: { readonly max?: number | undefined }
}

/** How the connections of the pool are used, and how many requests wait for one. */
export function measurePool(registry: Registry, pool: Pool): void {
  gauges(
    registry,
    { name: 'postgres_pool_connections', help: 'Connections to PostgreSQL', label: 'state' },
    () => ({ busy: pool.totalCount - pool.idleCount, idle: pool.idleCount }),
  )
  gauge(
    registry,
    'postgres_pool_waiting',
    'Queries that wait for a connection to PostgreSQL',
    () => pool.waitingCount,
  )
  gauge(registry, 'postgres_pool_size', 'Most connections that the pool opens', () => pool.options.max ?? 0)
}

/** Whether the Redis of caches and limits is there. */
export function measureRedis(registry: Registry, redis: { readonly status: string }): void {
  gauge(registry, 'redis_up', '1 while the Redis of caches and limits is connected', () =>
    redis.status === 'ready' ? 1 : 0,
  )
}
