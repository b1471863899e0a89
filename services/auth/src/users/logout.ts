import type { Receipt } from '../database/transaction.ts'
import { endSessionsOfUser } from '../sessions/queries.ts'
import type { LockUser } from './lock-user.ts'
import { raiseUserVersion } from './queries.ts'
import type { UserStores } from './stores.ts'

type Refused = 'AUTH_TOKEN_INVALID' | 'NOT_FOUND'

export type LoggedOut =
  | { readonly outcome: 'logged_out'; readonly revoked: number; readonly receipt: Receipt }
  | { readonly outcome: Refused }

/** Ends every session of a user, and kills every token. */
export async function logoutUser(stores: UserStores, lock: LockUser, userId: string): Promise<LoggedOut> {
  const now = stores.now()
  const { value, receipt } = await stores.transact<{ id: string; ended: string[] } | Refused>(async (trx) => {
    const locked = await lock(trx, userId, now)
    if (locked.outcome !== 'locked') return { value: locked.outcome }
    const { id } = locked.user
    const ended = await endSessionsOfUser(trx, id, 'logout_all', new Date(now))
    const ver = await raiseUserVersion(trx, id)
    return { value: { id, ended }, revoke: { kind: 'user', key: id, value: ver } }
  })
  if (typeof value === 'string') return { outcome: value }
  if (!receipt) throw new Error('a revocation without a place in the log')
  await stores.sessionMirror.drop(value.id, value.ended)
  return { outcome: 'logged_out', revoked: value.ended.length, receipt }
}
