import t from 'tap'
import { guardLog } from '@portcullis/test-kit'

/** Whether a test in which these lines were logged fails. */
function fails(lines: readonly string[], secrets: readonly string[] = []): boolean {
  const undo: (() => unknown)[] = []
  const log = guardLog({ teardown: (one) => undo.push(one) }, secrets)
  for (const line of lines) log.write(line)
  try {
    for (const one of undo) one()
    return false
  } catch {
    return true
  }
}

t.test('a test fails if a token, a password or an email stood in a line of its log', async (t) => {
  const bad = {
    'a token': '{"msg":"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"}',
    'a header': '{"authorization":"Bearer 0123456789abcdef"}',
    'an email': '{"err":"Key (email)=(ada@example.org) exists"}',
    'a URL': '{"err":"connect postgres://role:hunter2@host/database"}',
  }
  for (const [what, line] of Object.entries(bad)) t.ok(fails(['{"msg":"fine"}', line]), what)
  t.ok(fails(['{"msg":"hunter2"}'], ['hunter2']), 'what the test knows')
})

t.test('lines as they should be fail nothing', async (t) => {
  const lines = [
    '{"level":30,"req":{"method":"POST","path":"/api/v1/login","remote":"127.0.0.1"},"status":200,"ms":1.2}',
    '{"stack":"at node_modules/.pnpm/pino@10.4.0/node_modules/pino/lib/tools.js:1:1"}',
    '{"err":"connect ECONNREFUSED 127.0.0.1:5432","url":"redis://127.0.0.1:6379/1"}',
  ]
  t.notOk(fails(lines, ['hunter2']))
})
