// Runs inside content's container: what its user in Redis may not do.
import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'

const url = readFileSync(process.env['REVOCATION_REDIS_URL_FILE'] ?? '', 'utf8').trim()
const redis = new Redis(url, { maxRetriesPerRequest: 0 })
const refused: readonly (readonly [string, ...string[]])[] = [
  ['GET', 'active:somebody'],
  ['XADD', '{revocations}:log', '*', 'kind', 'session'],
  ['SET', '{revocations}:head', '1-1-0'],
  ['HSET', '{revocations}:ack:auth', 'somebody', '{}'],
  ['HGETALL', '{revocations}:ack:auth'],
  ['FLUSHALL'],
  ['CONFIG', 'GET', 'requirepass'],
  ['ACL', 'LIST'],
]
for (const [command, ...args] of refused) {
  const answer = await redis.call(command, ...args).then(
    () => 'done',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  if (answer.startsWith('NOPERM')) continue
  console.error(`content may ${command} ${args[0] ?? ''}: ${answer}`)
  process.exitCode = 1
}
redis.disconnect()
