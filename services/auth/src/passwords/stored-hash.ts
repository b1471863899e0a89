/** How a password of somebody who came from elsewhere may be hashed, and how it is checked. */

/** A hash that costs more than about a second to check would hold up everybody else's login. */
const MAX_ARGON2_KIB_PASSES = 1_048_576
const MAX_ARGON2_PARALLELISM = 16
const MIN_BCRYPT_COST = 4
const MAX_BCRYPT_COST = 14

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/
const ARGON2 =
  /^\$argon2(?:id|i|d)\$v=(?:16|19)\$((?:[mtp]=\d{1,7},){2}[mtp]=\d{1,7})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,172}$/

export function isBcrypt(hash: string): boolean {
  return BCRYPT.test(hash)
}

/** What keeps a hash from being taken over; undefined if nothing does. Does not repeat it. */
export function hashProblem(hash: string): string | undefined {
  const bcryptCost = BCRYPT.exec(hash)?.[1]
  if (bcryptCost !== undefined) {
    const cost = Number(bcryptCost)
    return cost >= MIN_BCRYPT_COST && cost <= MAX_BCRYPT_COST
      ? undefined
      : `has a bcrypt cost outside of ${MIN_BCRYPT_COST} to ${MAX_BCRYPT_COST}`
  }
  const parameters = ARGON2.exec(hash)?.[1]
  if (parameters === undefined)
    return 'is neither an argon2 hash (PHC string) nor a bcrypt one ($2a$, $2b$ or $2y$)'
  const {
    m = 0,
    t = 0,
    p = 0,
  } = Object.fromEntries(parameters.split(',').map((part) => [part.slice(0, 1), Number(part.slice(2))]))
  if (m < 8 * p || t < 1 || p < 1 || p > MAX_ARGON2_PARALLELISM) return 'has argon2 parameters out of range'
  return m * t > MAX_ARGON2_KIB_PASSES ? 'has argon2 parameters that take too long to check' : undefined
}

/** Whether the password belongs to a bcrypt hash; bcrypt looks at its first 72 bytes alone. */
export async function verifyBcrypt(hash: string, password: string): Promise<boolean> {
  // Loaded when the first one has to be checked: most installations never do.
  const { verify } = await import('@node-rs/bcrypt')
  return verify(password, hash)
}
