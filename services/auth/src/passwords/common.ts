import { dictionary } from '@zxcvbn-ts/language-common'
import { problem } from '@portcullis/service-kit'

/** One a line, which is a tenth of what 49,000 strings and a set of them take; to search it costs 0.1 ms. */
const common = takeList()

function takeList(): Buffer {
  const list = dictionary['passwords-common']
  const lines = Buffer.from(`\n${list.join('\n')}\n`)
  // The package would hold its own for as long as the process lives.
  list.length = 0
  return lines
}

/** Whether the password is among those that attackers try first (NIST SP 800-63B section 3.1.1.2). */
export function isCommonPassword(password: string): boolean {
  return !password.includes('\n') && common.includes(`\n${password.toLowerCase()}\n`)
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
