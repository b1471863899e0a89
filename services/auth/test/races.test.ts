import t from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TokenPair } from '@portcullis/schemas'
import { callOf, startAuth, type Answer } from './support/auth.ts'

const TIMES = 200
/** Delays of one side against the other, in ms: which of the two is first differs from time to time. */
const SPREAD_MS = 6

t.test('interleavings', async (t) => {
  const auth = await startAuth(t)
  const instances = [auth.call, callOf(await auth.another())]
  const on = (index: number) => instances[index % instances.length] ?? auth.call
  const refresh = (call: typeof auth.call, refresh_token: string) =>
    call('POST', '/api/v1/refresh', { body: { refresh_token } })

  /** Whether any of the tokens gives anything on any instance. */
  const isUsable = async ({ access_token, refresh_token }: TokenPair): Promise<boolean> => {
    const answers: Answer[] = []
    for (const call of instances) {
      answers.push(await call('GET', '/api/v1/users/me', { token: access_token }))
      answers.push(await refresh(call, refresh_token))
    }
    return answers.some((answer) => answer.status !== 401)
  }
  const afterwards = async (index: number, first: () => Promise<Answer>, second: () => Promise<Answer>) => {
    const lead = ((index * 7) % (2 * SPREAD_MS + 1)) - SPREAD_MS
    return Promise.all([sleep(Math.max(0, lead)).then(first), sleep(Math.max(0, -lead)).then(second)])
  }

  await t.test(`${TIMES} times a logout and a refresh at once: no usable token survives`, async (t) => {
    const user = await auth.newUser()
    const seen = { before: 0, after: 0 }
    for (let i = 0; i < TIMES; i++) {
      const pair = await auth.login(user)
      const [logout, refreshed] = await afterwards(
        i,
        () => on(i)('POST', '/api/v1/logout', { token: pair.access_token }),
        () => refresh(on(i + (i >> 1)), pair.refresh_token),
      )
      if (logout.status !== 200) t.fail(`logout answered ${logout.status}`)
      seen[refreshed.status === 200 ? 'before' : 'after']++
      if (await isUsable(pair)) t.fail('the pair survived')
      if (refreshed.status === 200 && (await isUsable(refreshed.body))) t.fail('the new pair survived')
      if (refreshed.status !== 200 && refreshed.status !== 401) t.fail(`refresh answered ${refreshed.status}`)
    }
    t.comment(seen)
    t.ok(seen.before > 0 && seen.after > 0, 'both orders happened')
  })

  await t.test(
    `${TIMES} times a password change and a login at once: no usable token survives`,
    async (t) => {
      const user = await auth.newUser()
      let { password } = user
      const seen = { before: 0, after: 0 }
      let { access_token } = await auth.login(user)
      for (let i = 0; i < TIMES; i++) {
        const new_password = `a long enough password ${i}`
        const body = { current_password: password, new_password }
        const credentials = { username: user.username, password }
        const [changed, login] = await afterwards(
          i,
          () => on(i)('PUT', '/api/v1/users/me/password', { token: access_token, body }),
          () => on(i + (i >> 1))('POST', '/api/v1/login', { body: credentials }),
        )
        if (changed.status !== 200) t.fail(`the change answered ${changed.status}`)
        seen[login.status === 200 ? 'before' : 'after']++
        if (login.status === 200 && (await isUsable(login.body)))
          t.fail('the login with the old password survived')
        if (login.status !== 200 && login.status !== 401) t.fail(`login answered ${login.status}`)
        password = new_password
        access_token = changed.body.access_token
      }
      t.comment(seen)
      t.ok(seen.before > 0 && seen.after > 0, 'both orders happened')
      const live = await auth.app.db
        .selectFrom('sessions')
        .select('id')
        .where('user_id', '=', user.id)
        .where('ended_at', 'is', null)
        .execute()
      t.equal(live.length, 1)
    },
  )
})
