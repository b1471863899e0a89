import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../dev/places.ts'

const guide = readFileSync(join(root, 'docs/security.md'), 'utf8')

t.test('every test that the security guide names is there', async (t) => {
  const named = new Set(
    [...guide.matchAll(/`([\w-]+\/(?:test|system)\/[\w/.-]+\.test\.ts)`/g)].map(([, path = '']) => path),
  )
  t.ok(named.size > 30, `${named.size} tests`)
  for (const path of named)
    t.ok(
      ['services', 'packages', '.'].some((folder) => existsSync(join(root, folder, path))),
      path,
    )
})

t.test('every requirement is met, or the guide says why not', async (t) => {
  const rows = [...guide.matchAll(/^\| (\d+\.\d+[^|]*)\| ([^|]+)\| ([^|]+)\|$/gm)]
  t.ok(rows.length > 70, `${rows.length} rows`)
  const chapters = new Set(rows.map(([, item = '']) => item.split('.')[0]))
  t.strictSame(chapters, new Set(['6', '7', '8', '9', '10', '11', '14', '16']))
  for (const [, item = '', state = '', how = ''] of rows) {
    t.match(state.trim(), /^(?:met|in part|not met|not applicable)$/, item)
    t.ok(how.trim().length > 5, item)
  }
})
