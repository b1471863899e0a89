import { readFileSync } from 'node:fs'
import t from 'tap'
import { commandConfigs, ConfigSchema as AuthConfigSchema } from '../../services/auth/src/config.ts'
import { ConfigSchema as ContentConfigSchema } from '../../services/content/src/config.ts'

t.test('.env.example lists every setting of both services and of portcullis, and no other', async (t) => {
  const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
  const listed = [...text.matchAll(/^(?:# )?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name)
  const ofLauncher = [
    'POSTGRES_ADMIN_URL',
    'REDIS_URL',
    'ADMIN_PASSWORD',
    'AUTH_PORT',
    'CONTENT_PORT',
    'GATEWAY_PORT',
  ]
  const ofCommands = Object.values(commandConfigs).flatMap(({ properties }) => Object.keys(properties))
  const known = [
    ...Object.keys(AuthConfigSchema.properties),
    ...Object.keys(ContentConfigSchema.properties),
    ...ofLauncher,
    ...ofCommands,
  ]
  t.strictSame(new Set(listed), new Set(known))
  t.equal(new Set(listed).size, listed.length, 'each once')
})
