import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { startRedis } from '@portcullis/test-kit'
import { Redis } from 'ioredis'
import t from 'tap'
import { root } from '../dev/places.ts'

const hasPython = spawnSync('python3', ['--version']).status === 0

t.test('the lookup in Python', { skip: !hasPython && 'there is no python3' }, async (t) => {
  const redis = await startRedis(t)
  const lookUp = (input: string) => {
    const args = [join(root, 'docs/examples/lookup.py'), '--redis', `127.0.0.1:${redis.port}/1`]
    const { status, stdout, stderr } = spawnSync('python3', args, { input, encoding: 'utf8' })
    return { status, stdout, stderr }
  }
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const token = (header: unknown, claims: unknown) => `${encoded(header)}.${encoded(claims)}.signature`
  const claims = { sub: 'u1', jti: 't1', client_id: 'c1', sid: 's1', ep: 1, gen: 0, ver: 0 }
  const whole = token({ kid: 'k1' }, claims)

  await t.test(
    'tells a token that is revoked from one that is not, and from a log that nobody writes',
    async (t) => {
      const client = new Redis(redis.url(1))
      t.teardown(() => client.disconnect())
      t.match(lookUp(whole), { status: 2, stdout: /^not known: no relay/ })
      await client.set('{revocations}:head', '1-0')
      t.match(lookUp(whole), { status: 0, stdout: 'not revoked\n', stderr: '' })
      await client.set('{revocations}:token:t1', '1')
      t.match(lookUp(whole), { status: 1, stdout: 'revoked\n', stderr: '' })
    },
  )

  await t.test('says of nothing but a token that it is revoked', async (t) => {
    const others = [
      '',
      'x',
      'a.b.c',
      '\u00e9.\u00e9.\u00e9',
      token([], claims),
      token({ kid: 'k1' }, []),
      token({}, claims),
    ]
    for (const input of others)
      t.strictSame(lookUp(input), { status: 2, stdout: 'not known: not a token\n', stderr: '' }, input)
  })
})
