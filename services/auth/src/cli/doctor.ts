import type { Command } from 'commander'
import { readSettings, type Config } from '../config.ts'
import type { Context } from './context.ts'
import { examineAuthDatabase } from './doctor/auth-database.ts'
import { examineDatabase } from './doctor/database.ts'
import type { Finding } from './doctor/finding.ts'
import { examineRedis, type RedisUse } from './doctor/redis.ts'
import { examineSettings } from './doctor/settings.ts'

const DESCRIPTION = `Look whether auth has what it needs, and say what to do

Needs no running service, and the settings of auth; content's database is looked at if CONTENT_DATABASE_URL is set.
The exit code is 1 if something does not work, and 0 if there are only warnings.`

export function addDoctorCommand(program: Command, context: Context): void {
  program
    .command('doctor')
    .summary('Look whether auth has what it needs, and say what to do')
    .description(DESCRIPTION)
    .action(() => runDoctor(context))
}

async function runDoctor({ out, shell }: Context): Promise<void> {
  const read = readSettings(shell.env)
  const { settings, contentDatabaseUrl } = read
  const looked = await Promise.all([
    examineStores(settings),
    contentDatabaseUrl === undefined
      ? Promise.resolve([])
      : examineDatabase('content', contentDatabaseUrl, async () => []),
  ])
  const findings = [...examineSettings(read), ...looked.flat()]
  const isWell = findings.every(({ state }) => state !== 'failed')
  if (!isWell) out.exitCode = 1
  if (out.isJson) return out.document({ well: isWell, findings })
  const width = Math.max(...findings.map(({ about }) => about.length))
  for (const finding of findings) await out.text(linesOf(finding, width))
}

async function examineStores(settings: Partial<Config>): Promise<Finding[]> {
  const { DATABASE_URL, CACHE_REDIS_URL, REVOCATION_REDIS_URL, SESSION_REDIS_URL } = settings
  const redis: [RedisUse, string | undefined][] = [
    ['cache', CACHE_REDIS_URL],
    ['revocation', REVOCATION_REDIS_URL],
    ['session', SESSION_REDIS_URL],
  ]
  const looked = await Promise.all([
    DATABASE_URL === undefined
      ? Promise.resolve([])
      : examineDatabase('auth', DATABASE_URL, (pool) => examineAuthDatabase(pool, settings)),
    ...redis.map(([use, url]) => (url === undefined ? Promise.resolve([]) : examineRedis(use, url))),
  ])
  return looked.flat()
}

function linesOf({ state, about, finding, advice }: Finding, width: number): string {
  const line = `${state.padEnd(7)}  ${about.padEnd(width)}  ${finding}\n`
  return advice === undefined ? line : `${line}${' '.repeat(9)}${' '.repeat(width)}  → ${advice}\n`
}
