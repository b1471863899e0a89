import t from 'tap'
import { startRedis } from '@portcullis/test-kit'
import { warnOfEviction } from '../../src/revocation/eviction.ts'
import { openRedis } from '../support/verifiers.ts'

t.test('a Redis that may throw keys away is warned of, and no other', async (t) => {
  for (const [policy, count] of [
    ['noeviction', 0],
    ['allkeys-lru', 1],
    ['volatile-ttl', 1],
  ] as const) {
    const redis = await startRedis(t, { args: ['--maxmemory-policy', policy] })
    const warnings: object[] = []
    await warnOfEviction(openRedis(t, { redis }), { warn: (fields) => void warnings.push(fields) })
    t.strictSame(
      warnings,
      Array.from({ length: count }, () => ({ policy, host: '127.0.0.1', port: redis.port })),
    )
    await redis.kill()
  }
})
