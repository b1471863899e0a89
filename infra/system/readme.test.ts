import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { root } from '../dev/places.ts'
import { freePort } from '../dev/ports.ts'
import { install, unhooked } from '../test/support/installed.ts'
import { startPair } from '../test/support/pair.ts'

const PASSWORD = 'correct horse battery staple'
const MAX_LINES = 15
const PATIENCE_MS = 30_000

const readme = await readFile(join(root, 'README.md'), 'utf8')
const section = /\n## Protect a route of your own\n(.*?)\n## /s.exec(readme)?.[1] ?? ''

/** Contents of the fenced blocks of a language. */
function blocks(language: string): string[] {
  return [...section.matchAll(/```(\w+)\n(.*?)```/gs)]
    .filter((match) => match[1] === language)
    .map((match) => match[2] ?? '')
}

/** The answers that the README shows, as `# status body`. */
const shown = blocks('sh')
  .join('')
  .split('\n')
  .filter((line) => /^# \d{3} /.test(line))
  .map((line) => line.slice(2))

t.test('the service of the README runs as it is printed, and answers as it says', async (t) => {
  const [server = '', ...more] = blocks('js')
  t.strictSame(more, [])
  t.ok(server.trim().split('\n').length <= MAX_LINES, `at most ${MAX_LINES} lines`)

  const pair = await startPair(t)
  const secret = await pair.newClient('hello', 'revocations:read')
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await install(folder, ['token-verifier'], ['fastify'])

  const port = await freePort()
  // Where things listen is all that differs from what is printed.
  const text = server.replaceAll('http://localhost:8080', pair.origin).replace('port: 3000', `port: ${port}`)
  await writeFile(join(folder, 'server.mjs'), text)
  const child = spawn('env', [...unhooked, process.execPath, 'server.mjs'], {
    cwd: folder,
    env: { LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'], CLIENT_SECRET: secret },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  t.teardown(async () => {
    if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit')
  })

  const hello = async (token?: string) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(`http://localhost:${port}/hello`, { headers })
    return `${response.status} ${await response.text()}`
  }
  const deadline = performance.now() + PATIENCE_MS
  // 503 until the replica has been heard of.
  const isServing = async () => (await hello('none').catch(() => '503')).startsWith('401')
  while (!(await isServing())) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error('it does not serve')
    await sleep(20)
  }

  const post = async (path: string, headers: Record<string, string>, body?: object) => {
    const response = await fetch(`${pair.origin}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return {
      status: response.status,
      pending: response.headers.get('revocation-pending'),
      text: await response.text(),
    }
  }
  const ada = { username: 'ada', password: PASSWORD }
  await post('/signup', {}, ada)
  const token = String(JSON.parse((await post('/login', {}, ada)).text).access_token)

  const seen = [await hello(), await hello(token)]
  const logout = await post('/logout', { authorization: `Bearer ${token}` })
  seen.push(`${logout.status} ${logout.text}`, await hello(token))
  t.equal(logout.pending, '0')
  t.strictSame(seen, shown)
  t.strictSame(
    seen.map((answer) => answer.slice(0, 3)),
    ['401', '200', '200', '401'],
  )
})
