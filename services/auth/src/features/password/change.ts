import type { FastifyInstance } from 'fastify'
import type { ChangePasswordBody, TokenPair, UserClaims } from '@portcullis/schemas'
import type { Outcome, Receipt } from '../../database/transaction.ts'
import type { Kysely } from 'kysely'
import type { DB } from '../../database/tables.ts'
import { checkPassword } from '../../logins/check-password.ts'
import { lockCaller } from '../../sessions/caller.ts'
import { insertNewSession } from '../../sessions/open.ts'
import type { Device } from '../../sessions/device.ts'
import { endSessionsOfUser, type MirroredSession } from '../../sessions/queries.ts'
import { findCredentialsById, updatePassword } from '../../users/queries.ts'

/** How often the user is read, whose hash may change while the password is checked against it. */
const ROUNDS = 3

interface Changed {
  readonly ended: readonly string[]
  readonly session: MirroredSession
  readonly pair: TokenPair
}

export type PasswordChange =
  | { readonly outcome: 'changed'; readonly pair: TokenPair; readonly receipt: Receipt }
  | { readonly outcome: 'AUTH_TOKEN_INVALID' | 'AUTH_PASSWORD_WRONG' | 'CONFLICT' }

/**
 * Changes the caller's password, ends every session there was, and opens a new one: a stolen refresh token must
 * not replay into it. A login that is being checked against the old password meanwhile finds another hash under
 * the lock of the user's row, or has opened a session by then that ends with the others.
 *
 * @throws {ProblemError} AUTH_HASHING_BUSY, AUTH_LOGIN_THROTTLED
 */
export async function changePassword(
  app: FastifyInstance,
  claims: UserClaims,
  { current_password, new_password }: ChangePasswordBody,
  device: Device,
): Promise<PasswordChange> {
  for (let round = 1; round <= ROUNDS; round++) {
    const user = await findCredentialsById(app.db, claims.sub)
    // A hash of another change comes with a newer version: nobody has guessed wrong who did not know of it.
    if (!user || claims.ver < user.ver) return { outcome: 'AUTH_TOKEN_INVALID' }
    const account = { userId: user.id, by: 'username' as const }
    const attempt = { user, account, password: current_password, device }
    if (!(await checkPassword(app, attempt))) return { outcome: 'AUTH_PASSWORD_WRONG' }

    const hashes = { from: user.password_hash, to: await app.passwords.hash(new_password) }
    const { value, receipt } = await app.transact((trx) => replace(app, trx, claims, hashes, device))
    if (value === 'dead') return { outcome: 'AUTH_TOKEN_INVALID' }
    if (value === 'rehashed' || !receipt) continue
    await app.sessionMirror.drop(user.id, value.ended)
    await app.sessionMirror.put(value.session)
    return { outcome: 'changed', pair: value.pair, receipt }
  }
  return { outcome: 'CONFLICT' }
}

async function replace(
  app: FastifyInstance,
  trx: Kysely<DB>,
  claims: UserClaims,
  hashes: { readonly from: string; readonly to: string },
  device: Device,
): Promise<Outcome<Changed | 'dead' | 'rehashed'>> {
  const now = app.now()
  const caller = await lockCaller(trx, claims, now)
  if (!caller) return { value: 'dead' }
  const { user } = caller
  const ver = await updatePassword(trx, user.id, hashes.from, hashes.to)
  if (ver === undefined) return { value: 'rehashed' }
  const ended = await endSessionsOfUser(trx, user.id, 'password_changed', new Date(now))
  const opened = await insertNewSession(app, trx, { userId: user.id, passwordHash: hashes.to }, device, now)
  if (!opened) throw new Error('the password was changed under the lock of its row')
  return { value: { ended, ...opened }, revoke: { kind: 'user', key: user.id, value: ver } }
}
