import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { root } from '../dev/places.ts'
import { findProgram } from '../dev/programs.ts'
import { startPair } from '../test/support/pair.ts'
import { newUser } from '../test/support/user.ts'

const EXAMPLE = join(root, 'docs/examples/lookup.py')
const NOT_REVOKED = { code: 0, said: 'not revoked\n' }
const REVOKED = { code: 1, said: 'revoked\n' }
const NOT_KNOWN = { code: 2, said: /^not known: / }

const python = await findProgram('python3')

t.test('the example in Python tells revoked tokens by a look-up in Redis', async (t) => {
  if (typeof python === 'string') throw new Error(python)
  const pair = await startPair(t)
  const lookUp = async (token: string) => {
    const child = spawn(python.path, [EXAMPLE, '--redis', `127.0.0.1:${pair.redis.port}/1`], {
      env: { ...process.env, ...python.env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child.stdin.end(token)
    const [said] = await Promise.all([text(child.stdout), once(child, 'exit')])
    return { code: child.exitCode, said }
  }
  const user = await newUser(pair)
  const [first, second] = [await user.login(), await user.login()]
  t.strictSame(await lookUp(first.access_token), NOT_REVOKED)

  const headers = { authorization: `Bearer ${first.access_token}` }
  t.equal((await fetch(`${pair.authUrl}/api/v1/logout`, { method: 'POST', headers })).status, 200)
  t.strictSame(await lookUp(first.access_token), REVOKED, 'after a logout')
  t.strictSame(await lookUp(second.access_token), NOT_REVOKED, 'of one session alone')

  await pair.portcullis('users', 'logout', user.username)
  t.strictSame(await lookUp(second.access_token), REVOKED, 'after a logout everywhere')
  const third = await user.login()
  t.strictSame(await lookUp(third.access_token), NOT_REVOKED)

  await pair.portcullis('keys', 'rotate', '--compromised')
  t.strictSame(await lookUp(third.access_token), REVOKED, 'after its key was given up')

  t.match(await lookUp('nonsense'), NOT_KNOWN)
  await pair.redis.kill()
  t.match(await lookUp(third.access_token), NOT_KNOWN, 'without Redis')
})
