import { readFileSync } from 'node:fs'
import t from 'tap'
import { root } from '../dev/places.ts'
import { redisUsers, verifierRules } from '../compose/redis-users.ts'

t.test('the users of Redis are documented as they are made and tested', (t) => {
  const page = readFileSync(`${root}/docs/operations.md`, 'utf8')
  const [, , ...services] = redisUsers({ auth: '>…', content: '>…', replication: '>…' })
  for (const line of [...services, `user my-service on >… ${verifierRules('my-service')}`])
    t.ok(page.includes(`\n${line}\n`), line)
  t.end()
})
