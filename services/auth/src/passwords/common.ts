import { dictionary } from '@zxcvbn-ts/language-common'
import { problem } from '@portcullis/service-kit'

const common: ReadonlySet<string> = new Set(dictionary['passwords-common'])

/** Whether the password is among those that attackers try first (NIST SP 800-63B section 3.1.1.2). */
export function isCommonPassword(password: string): boolean {
  return common.has(password.toLowerCase())
}

/**
 * @param pointer where in the body the password stands
 * @throws {ProblemError} AUTH_PASSWORD_COMMON
 */
export function refuseCommonPassword(password: string, pointer: string): void {
  if (isCommonPassword(password))
    throw problem('AUTH_PASSWORD_COMMON', {
      errors: [{ pointer, code: 'common', detail: 'is among the most common passwords' }],
    })
}
