import { connect } from 'node:net'
import t from 'tap'
import { appWithRoutes } from '../support/app.ts'

const lines: string[] = []
const app = appWithRoutes({
  logger: { level: 'debug', stream: { write: (line: string) => lines.push(line) } },
})
t.teardown(() => app.close())
await app.listen({ port: 0, host: '127.0.0.1' })

/** What the service answers to bytes on a connection of their own, until it ends. */
function exchange(bytes: string): Promise<string> {
  const { port } = new URL(app.listeningOrigin)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes, 'latin1'))
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}

t.test('a request that names more than one host, or what is none, is refused', async (t) => {
  const ask = (hosts: string[], version = '1.1') => {
    const head = hosts.map((host) => `${host}\r\n`).join('')
    return exchange(`GET /things HTTP/${version}\r\n${head}Connection: close\r\n\r\n`)
  }
  const refused = /^HTTP\/1.1 400 [^]*"code":"REQUEST_MALFORMED"[^]*Host/
  for (const host of [
    '',
    'x',
    'x:',
    'x_1.example.com:8080',
    '127.0.0.1:80',
    '[::1]:80',
    'a%20b',
    "!$&'()*+,;=~-.",
  ])
    t.match(await ask([`Host: ${host}`]), /^HTTP\/1.1 200 /, host)
  for (const host of [
    'a b',
    'a/b',
    'a@b',
    'a?b',
    'a#b',
    'a\\b',
    'a%zz',
    'a:b',
    'a:1:2',
    '[::1',
    '::1',
    '[]',
    'h\xe9',
  ])
    t.match(await ask([`Host: ${host}`]), refused, host)
  for (const hosts of [
    ['Host: x', 'Host: y'],
    ['Host: x', 'host: x'],
    ['HOST: x', 'Accept: */*', 'Host:'],
  ])
    for (const version of ['1.1', '1.0']) t.match(await ask(hosts, version), refused, hosts.join(', '))
  t.match(await ask([]), refused)
  t.match(await ask([], '1.0'), /^HTTP\/1.1 200 /)
})

t.test('a method that no route has is 405 with those that there are, whatever comes with it', async (t) => {
  const ask = (method: string, path: string, rest = '\r\n') =>
    exchange(`${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${rest}`)
  const refused = /^HTTP\/1.1 405 [^]*\r\nallow: GET, HEAD, POST, OPTIONS\r\n[^]*"code":"METHOD_NOT_ALLOWED"/
  for (const method of ['PROPFIND', 'QUERY', 'LOCK', 'DELETE', 'TRACE']) {
    t.match(await ask(method, '/things'), refused, method)
    for (const type of ['', 'Content-Type: text/plain\r\n', 'Content-Type: application/json\r\n'])
      t.match(
        await ask(method, '/things', `${type}Content-Length: 2\r\n\r\n{}`),
        refused,
        `${method} ${type}`,
      )
    t.match(await ask(method, '/nothing'), /^HTTP\/1.1 404 [^]*"code":"NOT_FOUND"/, method)
  }
})

t.test('a request with a type and no body is answered as one with a body of length 0', async (t) => {
  const ask = async (path: string, head: string) => {
    const answer = await exchange(`POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${head}\r\n`)
    return answer.replaceAll(/[\da-f]{8}-[\da-f-]{27}|(?<=\r\nDate: )[^\r]*/g, '…')
  }
  for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain', 'foo', ''])
    for (const path of ['/bodiless', '/optional', '/things', '/nothing']) {
      const head = `Content-Type: ${type}\r\n`
      const answer = await ask(path, head)
      t.match(answer, /^HTTP\/1.1 \d{3} /)
      t.equal(answer, await ask(path, `${head}Content-Length: 0\r\n`), `${type} ${path}`)
    }
})

t.test('what is not HTTP, or has too many headers, gets a problem document', async (t) => {
  lines.length = 0
  const malformed = await exchange('HELLO\r\n\r\n')
  t.match(malformed, /^HTTP\/1.1 400 [^]*"code":"REQUEST_MALFORMED"/)
  t.match(malformed, /\r\ncache-control: no-store\r\n/)
  t.match(malformed, /\r\nx-content-type-options: nosniff\r\n/)
  const id = /\r\nx-request-id: (\S+)\r\n/.exec(malformed)?.[1]
  t.match(malformed, `"instance":"${id}"`)
  t.equal(lines.length, 1)
  t.match(JSON.parse(lines[0] ?? ''), {
    level: 30,
    request_id: id,
    code: 'REQUEST_MALFORMED',
    status: 400,
    remote: '127.0.0.1',
  })
  await exchange('GET /things HTTP/1.1\r\nConnection: close\r\n\r\n')
  t.match(JSON.parse(lines.at(-1) ?? ''), { msg: 'request', status: 400 })
  t.match(
    await exchange('GET /things HTTP/1.1\r\nHost: x\r\nExpect: nothing\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1.1 200 /,
    'what is expected and not known is passed over',
  )
  t.match(
    await exchange(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
    /^HTTP\/1.1 431 [^]*"code":"HEADERS_TOO_LARGE"/,
  )
  t.match(await app.metrics.metrics(), /problems_total\{code="HEADERS_TOO_LARGE"[^}]*\} 1\n/)
})
