import type { FastifyInstance } from 'fastify'
import type { LoginBody, TokenPair } from '@portcullis/schemas'
import { problem } from '@portcullis/service-kit'
import { checkPassword } from '../../logins/check-password.ts'
import { openSession } from '../../sessions/open.ts'
import type { Device } from '../../sessions/device.ts'
import { findCredentialsByLogin, loginColumn, updatePasswordHash } from '../../users/queries.ts'
import { endExcessSoon } from './excess.ts'

/** How often the user is read, who may change while the password is checked. */
const ROUNDS = 3

/**
 * Opens a session for whoever knows the password.
 *
 * @throws {ProblemError} AUTH_CREDENTIALS_WRONG, AUTH_LOGIN_THROTTLED, AUTH_HASHING_BUSY
 */
export async function login(
  app: FastifyInstance,
  { username, password }: LoginBody,
  device: Device,
): Promise<TokenPair> {
  for (let round = 1; round <= ROUNDS; round++) {
    const user = await findCredentialsByLogin(app.db, username)
    const account = user ? { userId: user.id, by: loginColumn(username) } : { name: username }
    const matches = await checkPassword(app, { user, account, password, device })
    if (!user || !matches) break

    if (user.status === 'disabled') {
      app.loginHistory.failed(user.id, 'disabled', device)
      break
    }
    const pair = await openSession(app, user.id, user.password_hash, device)
    if (!pair) continue
    if (app.passwords.needsRehash(user.password_hash)) await rehash(app, user, password)
    endExcessSoon(app, user.id)
    return pair
  }
  // A disabled user is told no more than a wrong password tells.
  throw problem('AUTH_CREDENTIALS_WRONG')
}

/** The hash of the same password at today's cost. It is no part of the login, which has succeeded already. */
async function rehash(
  app: FastifyInstance,
  user: { readonly id: string; readonly password_hash: string },
  password: string,
): Promise<void> {
  try {
    await updatePasswordHash(app.db, user.id, user.password_hash, await app.passwords.hash(password))
  } catch (error) {
    app.log.warn({ err: error, user_id: user.id }, 'a password could not be hashed again')
  }
}
