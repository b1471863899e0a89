import { test } from 'tap'
import { newSecrets } from '../dev/secrets.ts'
import { portcullisVariables, serviceVariables, type Setting } from '../dev/services.ts'

const setting: Setting = {
  origin: 'http://localhost:8080',
  ports: { auth: 3001, content: 3002 },
  metricsPorts: { auth: 9101, content: 9102 },
  databases: { auth: 'postgres://auth@db/auth', content: 'postgres://content@db/content' },
  redisUrl: 'redis://:secret@cache:6379?family=6',
  secrets: newSecrets(),
}

test('services and portcullis find the same databases in a Redis whose URL has parameters', async (t) => {
  const names = ['CACHE_REDIS_URL', 'REVOCATION_REDIS_URL', 'SESSION_REDIS_URL']
  for (const variables of [serviceVariables('auth', setting), portcullisVariables(setting)])
    t.strictSame(
      names.map((name) => variables[name]),
      [0, 1, 2].map((database) => `redis://:secret@cache:6379/${database}?family=6`),
    )
})
