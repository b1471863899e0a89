import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Type } from 'typebox'
import { readableOutput, serializeError } from '@portcullis/service-kit'
import { appWithRoutes } from '../support/app.ts'

t.test('the log says who asked for what and how it went, and nothing secret', async (t) => {
  const lines: string[] = []
  const stream = { write: (line: string) => lines.push(line) }
  const app = appWithRoutes({ logger: { level: 'debug', stream } }, async (scope) => {
    scope.post('/leaky', { schema: { body: Type.Object({}) } }, async (request) => {
      request.log.info(
        { password: 'hunter2', body: { refresh_token: 'hunter2', user: { email: 'hunter2@example.com' } } },
        'a careless line',
      )
      const error = Object.assign(new Error('duplicate key value violates unique constraint'), {
        severity: 'ERROR',
        code: '23505',
        constraint: 'users_email_key',
        detail: 'Key (email)=(hunter2@example.com) already exists.',
      })
      throw new Error('could not', { cause: error })
    })
  })
  t.teardown(() => app.close())
  const response = await app.inject({
    method: 'POST',
    url: '/leaky?token=hunter2',
    headers: { authorization: 'Bearer hunter2', cookie: 'hunter2' },
    payload: { password: 'hunter2' },
  })
  const parsed = lines.map((line): unknown => JSON.parse(line))
  t.match(parsed.at(-1), {
    msg: 'request',
    req: { method: 'POST', path: '/leaky' },
    status: 500,
    request_id: response.headers['x-request-id'],
  })
  t.match(parsed.at(-2), {
    err: { message: 'could not', cause: { constraint: 'users_email_key', code: '23505' } },
  })
  t.notMatch(lines.join(''), /hunter2/)
  t.equal(
    parsed.filter((line) => Reflect.get(Object(line), 'request_id') !== response.headers['x-request-id'])
      .length,
    0,
  )
})

t.test('errors are logged with their causes, whatever was thrown', async (t) => {
  t.match(serializeError('text'), { type: 'string' })
  const deep = [1, 2, 3, 4, 5].reduce((cause, n) => new Error(`level ${n}`, { cause }), new Error('root'))
  t.notMatch(JSON.stringify(serializeError(deep)), /root/)
  const input = Object.assign(new Error('invalid input syntax for type uuid: "hunter2"'), {
    severity: 'ERROR',
    code: '22P02',
  })
  t.notMatch(JSON.stringify(serializeError(input)), /hunter2/)
})

t.test('on a terminal the log is made for reading', async (t) => {
  const file = join(t.testdir(), 'log')
  const output = await readableOutput(file)
  output.write(`${JSON.stringify({ level: 40, time: 0, name: 'x', msg: 'hello' })}\n`)
  const text = () => (existsSync(file) ? readFileSync(file, 'utf8') : '')
  while (text() === '') await turn()
  t.match(text(), /^\[00:00:00\.000\] WARN \(x\): hello\n$/)
})

t.test('lines are not held back for long, and none is lost, however the process ends', async (t) => {
  const program = fileURLToPath(new URL('../support/lines.ts', import.meta.url))
  const write = (count: number, end: string) => {
    const args = ['--conditions=@portcullis/source', program, String(count), end]
    return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  }
  for (const end of ['exit', 'throw', 'nothing'])
    for (const count of [0, 1, 5000]) {
      const expected = Array.from({ length: count }, (_, line) => `line ${line}\n`).join('')
      t.equal(await text(write(count, end).stdout), expected, `${count} ${end}`)
    }
  const living = write(1, 'live')
  t.teardown(() => living.kill())
  const [first] = await once(living.stdout.setEncoding('utf8'), 'data')
  t.equal(first, 'line 0\n')
})

t.test('the line of a request has the form of all others, from the level on that is asked for', async (t) => {
  const linesAt = async (level: string) => {
    const lines: string[] = []
    const app = appWithRoutes({ logger: { level, stream: { write: (line) => lines.push(line) } } })
    app.get('/inner', async (request) => request.log.info({ x: 1 }, 'inner'))
    for (const url of ['/inner', '/health/live']) await app.inject(url)
    await app.close()
    return lines.map((line): Record<string, unknown> => JSON.parse(line))
  }
  const [inner, request] = await linesAt('info')
  const begin = ['level', 'time', 'pid', 'hostname', 'name', 'request_id']
  t.strictSame(Object.keys(inner ?? {}), [...begin, 'x', 'msg'])
  t.strictSame(Object.keys(request ?? {}), [...begin, 'req', 'status', 'ms', 'msg'])
  const { x: _x, msg: _msg, time, ...common } = inner ?? {}
  t.match(request, common)
  t.ok(Math.abs(Number(request?.['time']) - Number(time)) < 10_000)

  const shown = async (level: string) =>
    (await linesAt(level)).map(({ level, req }) => [level, req !== undefined])
  t.strictSame(await shown('debug'), [
    [30, false],
    [30, true],
    [20, true],
  ])
  t.strictSame(await shown('warn'), [])
  t.strictSame(await shown('silent'), [])
})

t.test('the path of a logged request has no more than ids and words in it', async (t) => {
  const lines: string[] = []
  const app = appWithRoutes({ logger: { level: 'info', stream: { write: (line) => lines.push(line) } } })
  app.register(async (scope) => {
    scope.get('/people/:id/things', async () => ({}))
  })
  t.teardown(() => app.close())
  const loggedPath = async (url: string) => {
    await app.inject(url)
    return JSON.parse(lines.pop() ?? '').req.path
  }
  const id = '0197f3a2-5d7e-7c3b-9a41-0f3f6f1f2e11'
  t.equal(await loggedPath('/things?token=hunter2'), '/things')
  t.equal(await loggedPath(`/people/${id}/things?x`), `/people/${id}/things`)
  for (const secret of ['hunter2', 'a@b.example', 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIi.c2ln', 'a%40b.example'])
    t.equal(await loggedPath(`/people/${secret}/things`), '/people/:id/things')
  t.equal(await loggedPath(`/nowhere/${id}/a%40b.example?x`), `/nowhere/${id}/…`)
  t.equal(await loggedPath('/nowhere/eyJhbGciOiJFUzI1NiJ9.eyJzdWIi.c2ln'), '/nowhere/…')
})

t.test('what nobody should read is hidden in the log, down to the third level and in lists', async (t) => {
  const lines: string[] = []
  const app = appWithRoutes({ logger: { level: 'info', stream: { write: (line) => lines.push(line) } } })
  t.teardown(() => app.close())
  const list = [{ token: 'hunter2' }, { name: 'kept' }]
  const fields = { password: 'hunter2', a: { email: 'hunter2', b: { 'set-cookie': 'hunter2' } }, list, n: 7 }
  app.log.info(fields, 'fields')
  app.log.child({ service: 'x' }).warn({ authorization: 'hunter2', at: new Date(0), none: null }, 'child')
  t.notMatch(lines.join(''), /hunter2/)
  const [first, second] = lines.map((line): unknown => JSON.parse(line))
  t.match(first, {
    password: '[redacted]',
    a: { email: '[redacted]', b: { 'set-cookie': '[redacted]' } },
    list: [{ token: '[redacted]' }, { name: 'kept' }],
    n: 7,
  })
  t.match(second, { authorization: '[redacted]', at: '1970-01-01T00:00:00.000Z', none: null, service: 'x' })
  t.match(list, [{ token: 'hunter2' }, { name: 'kept' }], 'what was logged is not changed')
})

t.test('whatever has the name of something secret is hidden in the log', async (t) => {
  const lines: string[] = []
  const app = appWithRoutes({ logger: { level: 'info', stream: { write: (line) => lines.push(line) } } })
  t.teardown(() => app.close())
  const names = [
    'authorization',
    'cookie',
    'set-cookie',
    'password',
    'current_password',
    'new_password',
    'token',
    'access_token',
    'refresh_token',
    'client_secret',
    'email',
  ]
  for (const name of names) app.log.info({ [name]: 'hunter2', body: { [name]: 'hunter2' } }, 'sent')
  for (const [index, name] of names.entries())
    t.match(JSON.parse(lines[index] ?? ''), { [name]: '[redacted]', body: { [name]: '[redacted]' } }, name)
})
