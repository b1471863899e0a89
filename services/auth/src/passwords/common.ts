import { dictionary } from '@zxcvbn-ts/language-common'

const common: ReadonlySet<string> = new Set(dictionary['passwords-common'])

/** Whether the password is among those that attackers try first (NIST SP 800-63B section 3.1.1.2). */
export function isCommonPassword(password: string): boolean {
  return common.has(password.toLowerCase())
}
