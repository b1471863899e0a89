import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { UserSchema, type SignupBody, type User } from '@portcullis/schemas'
import { findAnswer, insertAnswer, type Created, type IdempotentRequest } from '@portcullis/service-kit'
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
 * IDEMPOTENCY_KEY_REUSED
 */
export async function signUp(
  app: FastifyInstance,
  { username, email, password }: SignupBody,
  once: IdempotentRequest | undefined,
): Promise<Created<SignupAnswer>> {
  const known = once && (await app.db.transaction().execute((trx) => findAnswer(trx, once)))
  if (known !== undefined) return replayed(known)
  const taken = await findTaken(app.db, username, email)
  if (taken.username) throw takenProblem('username')
  if (taken.email) throw takenProblem('email')
  const password_hash = await app.passwords.hash(password)

  const work = app.transact<Created<SignupAnswer>>(async (trx) => {
    const earlier = once && (await findAnswer(trx, once))
    if (earlier !== undefined) return { value: replayed(earlier) }
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
  return value
}

function replayed(remembered: unknown): Created<SignupAnswer> {
  if (!isAnswer.Check(remembered)) throw new Error('an answer was remembered in another shape')
  return { answer: remembered, isReplayed: true }
}
