/** Whole seconds, as the claims of a token have them. */
function floorToSecond(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000
}

export interface Lifetimes {
  /** A session not refreshed for this long ends. */
  readonly idleSeconds: number
  /** A session ends after this time, used or not. */
  readonly absoluteSeconds: number
}

/**
 * When a pair issued now was issued, expires, and when its session ends.
 *
 * @param now milliseconds since 1970
 * @param endsAt end of a session that is there already
 */
export function timesOfPair(
  now: number,
  lifetimes: Lifetimes,
  endsAt?: Date,
): { issued_at: Date; expires_at: Date; ends_at: Date } {
  const issued = floorToSecond(now)
  const ends = endsAt?.getTime() ?? issued + lifetimes.absoluteSeconds * 1000
  const expires = Math.min(issued + lifetimes.idleSeconds * 1000, ends)
  return { issued_at: new Date(issued), expires_at: new Date(expires), ends_at: new Date(ends) }
}
