import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { createDatabase } from '@portcullis/test-kit'

const program = createRequire(import.meta.url).resolve('kysely-codegen/package.json')

t.test('the types of the tables are those of a freshly migrated database', async (t) => {
  const DATABASE_URL = await createDatabase(t, 'content')
  const verify = promisify(execFile)(process.execPath, [join(program, '../dist/cli/bin.js'), '--verify'], {
    cwd: join(import.meta.dirname, '..'),
    env: { ...process.env, DATABASE_URL },
  })
  await t.resolves(verify)
})
