import type { FastifyInstance } from 'fastify'
import type { UserClaims } from '@portcullis/schemas'
import type { Receipt } from '../../database/transaction.ts'
import { endSessionsOfUser } from '../../sessions/queries.ts'
import { lockForAdmin } from '../../users/lock-for-admin.ts'
import { raiseUserVersion } from '../../users/queries.ts'

type Refused = 'AUTH_TOKEN_INVALID' | 'NOT_FOUND'

export type LoggedOut =
  | { readonly outcome: 'logged_out'; readonly revoked: number; readonly receipt: Receipt }
  | { readonly outcome: Refused }

/** Ends every session of a user, for an admin. */
export async function logoutUser(
  app: FastifyInstance,
  admin: UserClaims,
  userId: string,
): Promise<LoggedOut> {
  const now = app.now()
  const { value, receipt } = await app.transact<{ id: string; ended: string[] } | Refused>(async (trx) => {
    const locked = await lockForAdmin(trx, admin, userId, now)
    if (locked.outcome !== 'locked') return { value: locked.outcome }
    const { id } = locked.user
    const ended = await endSessionsOfUser(trx, id, 'logout_all', new Date(now))
    const ver = await raiseUserVersion(trx, id)
    return { value: { id, ended }, revoke: { kind: 'user', key: id, value: ver } }
  })
  if (typeof value === 'string') return { outcome: value }
  if (!receipt) throw new Error('a revocation without a place in the log')
  await app.sessionMirror.drop(value.id, value.ended)
  return { outcome: 'logged_out', revoked: value.ended.length, receipt }
}
