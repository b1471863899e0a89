import { fileURLToPath } from 'node:url'
import t from 'tap'
import { startAuth } from './support/auth.ts'
import { launchPortcullis, runPortcullis, spawnIntoReadOnly, type Run } from './support/portcullis.ts'
import { until } from './support/until.ts'

t.test('portcullis clients', async (t) => {
  const auth = await startAuth(t)
  const run = (args: readonly string[], env: Record<string, string> = {}) =>
    runPortcullis(auth, ['clients', ...args], env)
  const secretIn = ({ out }: Run) => /^client_secret: (\S+)$/m.exec(out)?.[1] ?? ''
  const token = (clientId: string, secret: string) =>
    auth.call('POST', '/oauth/token', {
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: secret,
      }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
  const use = (accessToken: string) => auth.call('GET', '/api/v1/users/changes', { token: accessToken })

  await t.test('create registers a client and prints its secret once', async (t) => {
    const made = await run([
      'create',
      'content',
      '--scope',
      'users:changes  revocations:read',
      '--name',
      'Content',
    ])
    t.equal(made.code, 0)
    const { body } = await token('content', secretIn(made))
    t.equal(body.scope, 'users:changes revocations:read')
    const again = await run(['create', 'content', '--scope', 'x'])
    t.equal(again.code, 1)
    t.match(again.err, 'there is a client content already')
    t.equal((await run(['create', 'content', '--scope', 'x', '--if-none'])).code, 0)
  })

  await t.test('create fails if the secret could not be written', async (t) => {
    const told = await spawnIntoReadOnly(
      auth,
      ['clients', 'create', 'unwritten', '--scope', 'x'],
      fileURLToPath(import.meta.url),
    )
    t.match(told, { code: 1, out: '', err: /^error: the answer could not be written: EBADF/ })
  })

  await t.test('create takes the secret that it is given, and does not print it', async (t) => {
    const secret = 'a secret that somebody else has chosen'
    const made = await run(['create', 'given', '--scope', 'users:changes'], { CLIENT_SECRET: secret })
    t.equal(made.code, 0)
    t.notMatch(made.out, 'secret')
    t.equal((await token('given', secret)).status, 200)
    const short = await run(['create', 'other', '--scope', 'x'], { CLIENT_SECRET: 'short' })
    t.equal(short.code, 78)
    t.notMatch(short.err, '"short"')
  })

  await t.test('create refuses what cannot be a client', async (t) => {
    for (const id of ['a b', '.', '..'])
      t.match(await run(['create', id, '--scope', 'x']), { code: 1, err: /client id/ })
    t.match(await run(['create', 'portcullis', '--scope', 'x']), { code: 1, err: /reserved/ })
    t.match(await run(['create', 'auth', '--scope', 'x']), { code: 1, err: /reserved/ })
    t.match(await run(['create', 'x', '--scope', 'a"b']), { code: 1, err: /scopes/ })
    t.match(await run(['create', 'x', '--scope', 'a', '--name', '']), { code: 1, err: /name/ })
  })

  await t.test('list and show tell all but the secret', async (t) => {
    const { out } = await run(['list'])
    t.strictSame(out.trimEnd().split('\n'), [
      'given\tactive\tusers:changes\tgiven',
      'unwritten\tactive\tx\tunwritten',
      'content\tactive\tusers:changes revocations:read\tContent',
    ])
    const shown = await run(['show', 'content'])
    t.match(
      shown.out,
      /^client_id: content\nname: Content\nstatus: active\nscopes: users:changes revocations:read\n/,
    )
    t.notMatch(shown.out, 'secret')
  })

  await t.test('disable, rotate-secret and delete kill the tokens of the client', async (t) => {
    const made = await run(['create', 'mortal', '--scope', 'users:changes'])
    const first = (await token('mortal', secretIn(made))).body.access_token
    const disabled = await run(['disable', 'mortal'])
    t.match(disabled, { code: 0, out: /^revocation_position: \d+-\d+\nrevocation_pending: 0\n$/m })
    t.match(disabled.out, /^status: disabled$/m)
    t.equal((await use(first)).status, 401, 'when the command returns')
    t.equal((await token('mortal', secretIn(made))).status, 401)
    t.equal((await run(['enable', 'mortal'])).code, 0)
    const second = (await token('mortal', secretIn(made))).body.access_token
    t.equal((await use(second)).status, 200)

    const rotated = await run(['rotate-secret', 'mortal'])
    t.equal((await use(second)).status, 401, 'when the command returns')
    t.equal((await token('mortal', secretIn(made))).status, 401)
    const given = 'another secret that somebody has chosen'
    const third = (await token('mortal', secretIn(rotated))).body.access_token
    t.equal((await use(third)).status, 200)
    t.notMatch((await run(['rotate-secret', 'mortal'], { CLIENT_SECRET: given })).out, 'secret')
    const fourth = (await token('mortal', given)).body.access_token

    t.equal((await run(['delete', 'mortal'])).code, 0)
    t.equal((await use(fourth)).status, 401, 'when the command returns')
    t.equal((await token('mortal', given)).status, 401)
  })

  await t.test(
    'whoever is interrupted after the commit tells all the same what it has done, the secret too',
    async (t) => {
      const { db } = auth.app
      const head = async () =>
        JSON.stringify(await db.selectFrom('revocation_head').select(['epoch', 'seq']).executeTakeFirst())
      await run(['create', 'patient', '--scope', 'users:changes'])
      const silent = { name: 'content/silent', client_id: 'content', max_age: 3600 }
      await db.insertInto('verifiers').values(silent).execute()
      for (const [signal, ...args] of [
        ['SIGINT', 'clients', 'rotate-secret', 'patient'],
        ['SIGTERM', 'clients', 'rotate-secret', 'patient'],
        ['SIGINT', 'keys', 'rotate', '--compromised'],
      ] as const) {
        const before = await head()
        const { kill, ended } = launchPortcullis(auth, args)
        await until(async () => (await head()) !== before, 'the commit')
        const interruptedAt = performance.now()
        // As a terminal does it, and once more npm.
        kill(signal)
        kill(signal)
        const told = await ended
        t.match(
          told,
          { code: 2, out: /^revocation_pending: [12]$/m, err: /the wait was interrupted/ },
          args.join(' '),
        )
        t.ok(performance.now() - interruptedAt < 5000, 'long before the ten seconds are over')
        if (args[0] === 'clients') t.equal((await token('patient', secretIn(told))).status, 200)
        else t.match(told.out, /^signs: \S+\ngiven_up: /m)
      }
      await db.deleteFrom('verifiers').where('name', '=', silent.name).execute()
    },
  )

  await t.test('a client that is not there is an error everywhere', async (t) => {
    for (const command of ['show', 'disable', 'enable', 'rotate-secret', 'delete'])
      t.match(await run([command, 'nobody']), { code: 1, err: /there is no client nobody/ }, command)
    t.equal((await run(['show', 'no body'])).code, 1)
  })
})
