import type { Kysely } from 'kysely'
import type { UserClaims } from '@portcullis/schemas'
import type { DB } from '../database/tables.ts'
import { lockCaller, lockLiveSession } from '../sessions/caller.ts'
import { ADMIN_ROLE } from './admins.ts'
import { lockUserToChange } from './queries.ts'

/**
 * Locks a user for a change of it, if whoever changes it still may.
 *
 * @param now milliseconds since 1970
 */
export type LockUser = (trx: Kysely<DB>, userId: string, now: number) => Promise<Locked>

/** On behalf of an admin, by its token. */
export function byAdmin(admin: UserClaims): LockUser {
  return (trx, userId, now) => lockForAdmin(trx, admin, userId, now)
}

/** On behalf of the user itself, by its token. */
export function bySelf(claims: UserClaims): LockUser {
  return async (trx, _userId, now) => {
    const caller = await lockCaller(trx, claims, now)
    return caller ? { outcome: 'locked', user: caller.user } : { outcome: 'AUTH_TOKEN_INVALID' }
  }
}

/** On behalf of whoever has the database. */
export const byOperator: LockUser = async (trx, userId) => {
  const user = await lockUserToChange(trx, userId)
  return user ? { outcome: 'locked', user } : { outcome: 'NOT_FOUND' }
}

type LockedUser = NonNullable<Awaited<ReturnType<typeof lockUserToChange>>>

export type Locked =
  | { readonly outcome: 'locked'; readonly user: LockedUser }
  | { readonly outcome: 'AUTH_TOKEN_INVALID' | 'NOT_FOUND' }

/**
 * Locks a user for an admin's change of it, and the admin, whose token was good when the request came in, as
 * well: whoever has ceased to be an admin since changes nothing any more. Otherwise an admin who is just being
 * removed could make itself one again. Rows are locked in the order of their ids, so that two admins who change
 * each other do not wait for one another.
 *
 * @param now milliseconds since 1970
 */
async function lockForAdmin(
  trx: Kysely<DB>,
  admin: UserClaims,
  userId: string,
  now: number,
): Promise<Locked> {
  const target = userId.toLowerCase()
  const users = new Map<string, LockedUser | undefined>()
  for (const id of [admin.sub, target].sort())
    if (!users.has(id)) users.set(id, await lockUserToChange(trx, id))

  const actor = users.get(admin.sub)
  const isAdmin = actor?.status === 'active' && actor.roles.includes(ADMIN_ROLE)
  if (!isAdmin || !(await lockLiveSession(trx, admin, actor.ver, now)))
    return { outcome: 'AUTH_TOKEN_INVALID' }
  const user = users.get(target)
  return user ? { outcome: 'locked', user } : { outcome: 'NOT_FOUND' }
}
