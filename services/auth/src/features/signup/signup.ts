import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { UserSchema, type SignupBody, type User } from '@portcullis/schemas'
import {
  findRemembered,
  insertAnswer,
  problem,
  type Created,
  type IdempotentRequest,
  type Remembered,
} from '@portcullis/service-kit'
import { countAttempt } from '../../logins/check-password.ts'
import type { Device } from '../../sessions/device.ts'
import { takenAsProblem, takenProblem } from '../../users/create.ts'
import { insertUser, toUser } from '../../users/queries.ts'
import { findTaken } from './queries.ts'

const isAnswer = Compile(Type.Object({ user: UserSchema }))

export interface SignupAnswer {
  readonly user: User
}

/**
 * Makes a user with the role `user`. What refuses a signup is looked for before the password is hashed, and
 * decided by the unique indexes when the user is inserted.
 *
 * @param once what the request is remembered by, if it may be repeated
 * @throws {ProblemError} AUTH_USERNAME_TAKEN, AUTH_EMAIL_TAKEN, AUTH_HASHING_BUSY, IDEMPOTENCY_KEY_RUNNING,
 * IDEMPOTENCY_KEY_REUSED, AUTH_LOGIN_THROTTLED
 */
export async function signUp(
  app: FastifyInstance,
  { username, email, password }: SignupBody,
  once: IdempotentRequest | undefined,
  device: Device,
): Promise<Created<SignupAnswer>> {
  const taken = await findTaken(app.db, username, email)
  // Looked for afterwards: it can be the first request with this key that has just taken the name.
  const known = once && (await app.db.transaction().execute((trx) => findRemembered(trx, once)))
  if (known) return replay(app, known, device)
  if (taken.username) throw takenProblem('username')
  if (taken.email) throw takenProblem('email')
  const password_hash = await app.passwords.hash(password)

  const work = app.transact<Created<SignupAnswer> | Remembered>(async (trx) => {
    const earlier = once && (await findRemembered(trx, once))
    if (earlier) return { value: earlier }
    const row = await insertUser(trx, { username, email: email ?? null, password_hash, roles: ['user'] })
    const answer = { user: toUser(row) }
    if (once) await insertAnswer(trx, { ...once, owner: row.id }, answer)
    return {
      value: { answer, isReplayed: false },
      change: { userId: row.id, username: row.username, deleted: false },
    }
  })
  const { value } = await work.catch((error: unknown) => {
    throw takenAsProblem(error)
  })
  return 'isSameBody' in value ? replay(app, value, device) : value
}

/**
 * The answer of the first signup with the key. Whether a body is the same one tells whether it has the password that
 * the first one had, so one that is not counts as a failed login with the username, and stands in the history as a
 * wrong password. One that is resets nothing: the user can have another password by now.
 */
async function replay(
  app: FastifyInstance,
  { answer, isSameBody }: Remembered,
  device: Device,
): Promise<Created<SignupAnswer>> {
  if (!isAnswer.Check(answer)) throw new Error('an answer was remembered in another shape')
  const { id } = answer.user
  const account = { userId: id, by: 'username' as const }
  await countAttempt(app, id, { account, device }, async () => (isSameBody ? 'undecided' : 'failed'))
  if (isSameBody) return { answer, isReplayed: true }
  app.loginHistory.failed(id, 'wrong_password', device)
  throw problem('IDEMPOTENCY_KEY_REUSED')
}
