/**
 * What becomes of a refresh token: a decision about values, taken under the lock of the session's row. The
 * error of a refusal follows the commit, so that ending a session is never undone by reporting it.
 */

/** The columns of the session that the decision needs. Times are milliseconds since 1970. */
export interface SessionState {
  readonly gen: number
  readonly endedAt: number | undefined
  /** When the current refresh token expires by lack of use. */
  readonly expiresAt: number
  /** When the session ends, used or not. */
  readonly endsAt: number
  /** What made the current pair out of the one before. */
  readonly rotatedBy: 'refresh' | 'profile' | undefined
  readonly rotatedAt: number | undefined
}

export type Rotation =
  /** The token is the newest: its successor is made. */
  | 'rotated'
  /** The token was used a moment ago, or a profile change superseded it: the same successor again. */
  | 'replayed'
  /** The token was used before: somebody else may hold it, and the session ends. */
  | 'reused'
  | 'expired'
  /** There is no such session any more, or never was such a token. */
  | 'unknown'

/**
 * @param session the session's row, locked; undefined if there is none
 * @param gen generation of the refresh token presented
 * @param now milliseconds since 1970
 * @param replaySeconds how long a used token still gives the same successor
 */
export function decideRotation(
  session: SessionState | undefined,
  gen: number,
  now: number,
  replaySeconds: number,
): Rotation {
  if (!session || session.endedAt !== undefined || gen > session.gen) return 'unknown'
  if (now >= session.expiresAt || now >= session.endsAt) return 'expired'
  if (gen === session.gen) return 'rotated'
  if (gen < session.gen - 1) return 'reused'
  if (session.rotatedBy === 'profile') return 'replayed'
  const usedAt = session.rotatedAt ?? Number.NEGATIVE_INFINITY
  return now - usedAt <= replaySeconds * 1000 ? 'replayed' : 'reused'
}
