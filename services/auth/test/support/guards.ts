import type { Test } from 'tap'
import type { TestAuth } from './auth.ts'
import { newClient } from './client.ts'

/** Who gets into a route for users: nobody without a token, with a broken one, or with a client's. */
export async function onlyForUsers(t: Test, auth: TestAuth, method: string, path: string): Promise<void> {
  const call = (token?: string) => auth.call(method, path, { token })
  await t.test(`${method} ${path} is for users with an access token`, async (t) => {
    const without = await call()
    t.equal(without.status, 401)
    t.equal(without.body.code, 'AUTH_TOKEN_MISSING')
    t.equal(without.headers['www-authenticate'], 'Bearer realm="portcullis"')
    const broken = await call('a.b.c')
    t.equal(broken.status, 401)
    t.equal(broken.body.code, 'AUTH_TOKEN_INVALID')
    const pair = await auth.login(await auth.newUser())
    t.equal((await call(pair.refresh_token)).status, 401)
    const client = await newClient(auth, 'users:changes')
    const byClient = await call(client.token)
    t.equal(byClient.status, 403)
    t.equal(byClient.body.code, 'AUTH_CLIENT_TOKEN')
  })
}

/** A request that is held until the user's row is unlocked, and what is done to the database in between. */
export async function meanwhile<T>(
  auth: TestAuth,
  userId: string,
  request: () => Promise<T>,
  change: (db: TestAuth['app']['db']) => Promise<unknown>,
): Promise<T> {
  const held = await auth.app.db.transaction().execute(async (trx) => {
    await trx.selectFrom('users').select('id').where('id', '=', userId).forUpdate().execute()
    const answer = request()
    await isBlocked(auth)
    await change(trx)
    return { answer }
  })
  return held.answer
}

/** Waits until a connection to the test's database waits for a lock. */
export async function isBlocked({ app }: TestAuth): Promise<void> {
  for (;;) {
    const { rows } = await app.pg.query<{ blocked: boolean }>(
      `select exists (
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock') as blocked`,
    )
    if (rows[0]?.blocked) return
  }
}
