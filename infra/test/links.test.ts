import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { root } from '../dev/places.ts'

const isForeign = (path: string) => /(?:^|\/)(?:node_modules|dist|\.[^/]+)(?:\/|$)/.test(path)
const files = globSync('**/*.md', { cwd: root, exclude: isForeign })

/** Anchors of the headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

t.test('every link between documents leads to a file, and to a heading that it has', async (t) => {
  t.ok(files.includes('README.md') && files.includes('docs/revocation.md'))
  const broken: string[] = []
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8').replaceAll(/^```.*?^```/gms, '')
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? join(root, file) : join(root, dirname(file), path)
      const isThere =
        existsSync(target) &&
        (anchor === undefined || anchorsOf(readFileSync(target, 'utf8')).includes(anchor))
      if (!isThere) broken.push(`${file}: ${link}`)
    }
  }
  t.strictSame(broken, [])
})
