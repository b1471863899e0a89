import type { FastifyInstance } from 'fastify'
import type { LoginFailure } from '@portcullis/schemas'
import { ProblemError } from '@portcullis/service-kit'
import type { ThrottledAccount } from '../passwords/login-throttle/login-throttle.ts'
import type { AttemptResult } from '../passwords/login-throttle/store.ts'
import type { Device } from '../sessions/device.ts'

/** Somebody shows a password: to log in, to change it, or in the same signup again. */
interface Attempt {
  /** What its failure counts for. */
  readonly account: ThrottledAccount
  readonly device: Device
}

export interface PasswordAttempt extends Attempt {
  /** Whose password it should be; undefined if nobody has the name. */
  readonly user:
    | { readonly id: string; readonly password_hash: string; readonly status: 'active' | 'disabled' }
    | undefined
  readonly password: string
}

const REFUSALS: Readonly<Record<string, LoginFailure>> = {
  AUTH_LOGIN_THROTTLED: 'throttled',
  AUTH_HASHING_BUSY: 'busy',
}

/**
 * Whether the password is the user's. The one place where passwords are checked against hashes, so that each attempt
 * counts and each failure of a known user stands in the login history.
 *
 * @throws {ProblemError} AUTH_LOGIN_THROTTLED, AUTH_HASHING_BUSY
 */
export async function checkPassword(app: FastifyInstance, attempt: PasswordAttempt): Promise<boolean> {
  const { user, password, device } = attempt
  let matches = false
  await countAttempt(app, user?.id, attempt, async () => {
    matches = await app.passwords.verify(user?.password_hash, password)
    // The right password of a disabled user counts as a wrong one, or it could be told from that.
    return matches && user?.status === 'active' ? 'succeeded' : 'failed'
  })
  if (user && !matches) app.loginHistory.failed(user.id, 'wrong_password', device)
  return matches
}

/**
 * Looks at what may tell whether somebody knows the password of a user, unless there were too many failures. That
 * it was refused stands in the login history of the user, if there is one.
 *
 * @throws {ProblemError} AUTH_LOGIN_THROTTLED, and whatever `check` throws
 */
export async function countAttempt(
  app: FastifyInstance,
  userId: string | undefined,
  { account, device }: Attempt,
  check: () => Promise<AttemptResult>,
): Promise<AttemptResult> {
  try {
    return await app.loginThrottle.attempt(account, device.ip ?? '', check)
  } catch (error) {
    const refusal = error instanceof ProblemError ? REFUSALS[error.code] : undefined
    if (userId !== undefined && refusal) app.loginHistory.failed(userId, refusal, device)
    throw error
  }
}
