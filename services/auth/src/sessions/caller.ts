import type { Kysely } from 'kysely'
import type { UserClaims } from '@portcullis/schemas'
import type { DB } from '../database/tables.ts'
import { lockUserToChange } from '../users/queries.ts'
import { hasDeadGeneration } from '../revocation/log.ts'
import { lockSession, type LockedSession } from './queries.ts'

export interface Caller {
  readonly user: NonNullable<Awaited<ReturnType<typeof lockUserToChange>>>
  readonly session: LockedSession
}

/**
 * The user and the session of an access token, both locked, for a change of that user. The token was good when
 * the request came in; undefined if it has been revoked since, so that whoever has just been logged out changes
 * nothing any more, and of two changes with one token that ends by the first the second is refused.
 *
 * @param now milliseconds since 1970
 */
export async function lockCaller(
  trx: Kysely<DB>,
  claims: UserClaims,
  now: number,
): Promise<Caller | undefined> {
  const user = await lockUserToChange(trx, claims.sub)
  const session = user && (await lockLiveSession(trx, claims, user.ver, now))
  return session && { user, session }
}

/**
 * The session of an access token, locked; undefined if the token has been revoked since the request came in.
 *
 * @param ver version of the user, whose row is locked
 * @param now milliseconds since 1970
 */
export async function lockLiveSession(
  trx: Kysely<DB>,
  claims: UserClaims,
  ver: number,
  now: number,
): Promise<LockedSession | undefined> {
  if (claims.ver < ver) return undefined
  const session = await lockSession(trx, claims.sid, claims.sub)
  if (!session || session.ended_at || session.expires_at.getTime() <= now) return undefined
  const isSuperseded = claims.gen < session.gen && (await hasDeadGeneration(trx, session.id, claims.gen))
  return isSuperseded ? undefined : session
}
