import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import t from 'tap'
import { walkForShell } from '../dev/walk-shell.ts'
import { steps } from '../dev/walk-steps.ts'
import { walk } from '../dev/walk-fetch.ts'

interface Seen {
  readonly request: string
  readonly token: string | undefined
  readonly body: unknown
}

/** A server that answers as the walk expects, and notes what it was asked. */
async function startServer(t: { teardown(undo: () => unknown): unknown }) {
  const seen: Seen[] = []
  let logins = 0
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const step = steps[seen.length]
    seen.push({
      request: `${request.method} ${request.url}`,
      token: request.headers.authorization,
      body: body === '' ? undefined : JSON.parse(body),
    })
    logins += 1
    const pair = { access_token: `a"'$ ${logins}`, refresh_token: `r${logins}` }
    response.writeHead(step?.status ?? 500, { 'content-type': 'application/json' }).end(JSON.stringify(pair))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, seen }
}

/** The name of the user is another one in each walk. */
function withoutName(seen: readonly Seen[]): unknown {
  const text = JSON.stringify(seen)
  return JSON.parse(text.replaceAll(/ada-[\w-]+/g, 'NAME'))
}

t.test('the printed walk asks the same as npm run walk', async (t) => {
  const byFetch = await startServer(t)
  for await (const { step, status } of walk(byFetch.origin)) t.equal(status, step.status, step.title)
  t.equal(byFetch.seen.length, steps.length)

  const run = promisify(execFile)
  const byShell = await startServer(t)
  // Stands in for curl, which not every machine has: reads the few options that the walk uses.
  const curl = `
    curl() { node --input-type=module -e '
      const args = process.argv.slice(1)
      const url = args.find((arg) => arg.startsWith("http"))
      const headers = args.flatMap((arg, i) => (args[i - 1] === "-H" ? [arg.split(/: (.*)/s).slice(0, 2)] : []))
      const body = args[args.indexOf("-d") + 1]
      const method = args.includes("-d") || args.includes("-X") ? "POST" : "GET"
      const response = await fetch(url, { method, headers, ...(args.includes("-d") && { body }) })
      process.stdout.write(await response.text())
      process.stderr.write(String(response.status) + "\\n")
    ' -- "$@"; }`
  const script = [curl, ...walkForShell(byShell.origin)].join('\n')
  const { stderr } = await run('sh', ['-euc', script])
  t.strictSame(
    stderr.trim().split('\n').map(Number),
    steps.map(({ status }) => status),
  )
  t.strictSame(withoutName(byShell.seen), withoutName(byFetch.seen))
})

t.test('each walk has a user of its own', async (t) => {
  const { origin, seen } = await startServer(t)
  for await (const { status } of walk(origin)) t.ok(status)
  const again = await startServer(t)
  for await (const { status } of walk(again.origin)) t.ok(status)
  t.notSame(seen[0]?.body, again.seen[0]?.body)
})
