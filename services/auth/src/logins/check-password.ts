import type { FastifyInstance } from 'fastify'
import type { LoginFailure } from '@portcullis/schemas'
import { ProblemError } from '@portcullis/service-kit'
import type { ThrottledAccount } from '../passwords/login-throttle.ts'
import type { Device } from '../sessions/queries.ts'

/** Somebody shows a password: to log in, or to change it. */
export interface PasswordAttempt {
  /** Whose password it should be; undefined if nobody has the name. */
  readonly user:
    | { readonly id: string; readonly password_hash: string; readonly status: 'active' | 'disabled' }
    | undefined
  /** What its failure counts for. */
  readonly account: ThrottledAccount
  readonly password: string
  readonly device: Device
}

const REFUSALS: Readonly<Record<string, LoginFailure>> = {
  AUTH_LOGIN_THROTTLED: 'throttled',
  AUTH_HASHING_BUSY: 'busy',
}

/**
 * Whether the password is the user's. The one place where passwords are checked, so that each attempt counts and
 * each failure of a known user stands in the login history.
 *
 * @throws {ProblemError} AUTH_LOGIN_THROTTLED, AUTH_HASHING_BUSY
 */
export async function checkPassword(app: FastifyInstance, attempt: PasswordAttempt): Promise<boolean> {
  const { user, account, password, device } = attempt
  try {
    let matches = false
    await app.loginThrottle.attempt(account, device.ip ?? '', async () => {
      matches = await app.passwords.verify(user?.password_hash, password)
      // The right password of a disabled user counts as a wrong one, or it could be told from that.
      return matches && user?.status === 'active'
    })
    if (user && !matches) app.loginHistory.failed(user.id, 'wrong_password', device)
    return matches
  } catch (error) {
    const refusal = error instanceof ProblemError ? REFUSALS[error.code] : undefined
    if (user && refusal) app.loginHistory.failed(user.id, refusal, device)
    throw error
  }
}
