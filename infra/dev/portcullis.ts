import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { home, root } from './places.ts'
import { onParentGone } from './processes.ts'
import { runningOrigin } from './run-file.ts'

/** `npm run portcullis -- …`: the CLI, on the databases of `DATABASE_URL` or else on those of `npm start`. */
const file = join(home, 'portcullis.env')
const env = { ...process.env }
const isOurs = !env['DATABASE_URL'] && !env['DATABASE_URL_FILE']
if (isOurs && existsSync(file)) Object.assign(env, parseEnv(readFileSync(file, 'utf8')))

const program = join(root, 'services/auth/src/cli/portcullis.ts')
const args = ['--conditions=@portcullis/source', program, ...process.argv.slice(2)]
const child = spawn(process.execPath, args, { env, stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
onParentGone(() => child.kill('SIGTERM'))
child.on('close', (code) => {
  if (code !== 0 && isOurs && runningOrigin() === undefined) {
    console.error(
      'Nothing runs here: start the databases by `npm start`, or set DATABASE_URL to another one.',
    )
  }
  process.exit(code ?? 1)
})
