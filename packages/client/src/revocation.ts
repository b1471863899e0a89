/** How far what an answer revoked has come. */
export interface Revocation {
  /** Place in the revocation log, for `If-Revocation-Position`. */
  readonly position: string
  /**
   * How many verifiers have not yet said that they refuse the tokens; 0 with 200, and more with 202: it is decided, and
   * they refuse them as soon as they hear of it, or accept no token at all when they hear nothing.
   */
  readonly pending: number
}

/** What an answer says about the revocation that it made; undefined if it made none. */
export function revocationOf(response: Response): Revocation | undefined {
  const position = response.headers.get('revocation-position')
  if (position === null) return undefined
  return { position, pending: Number(response.headers.get('revocation-pending') ?? 0) }
}
