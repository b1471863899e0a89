import type { FastifyInstance } from 'fastify'
import type { UserClaims } from '@portcullis/schemas'
import type { Receipt } from '../../database/transaction.ts'
import { lockCaller } from '../../sessions/caller.ts'
import { endSessionsOfUser } from '../../sessions/queries.ts'
import { isLastActiveAdmin } from '../../users/admins.ts'
import { deleteUser, type ShownUser } from '../../users/queries.ts'

export type Deleted =
  | { readonly outcome: 'deleted'; readonly user: ShownUser; readonly receipt: Receipt }
  | { readonly outcome: 'AUTH_TOKEN_INVALID' | 'AUTH_LAST_ADMIN' }

interface Removed {
  readonly user: ShownUser
  readonly ended: readonly string[]
}

/** Deletes the caller with everything that is kept of them, and kills every token they ever had. */
export async function deleteMe(app: FastifyInstance, claims: UserClaims): Promise<Deleted> {
  const now = app.now()
  const { value, receipt } = await app.transact<Removed | 'AUTH_TOKEN_INVALID' | 'AUTH_LAST_ADMIN'>(
    async (trx) => {
      const caller = await lockCaller(trx, claims, now)
      if (!caller) return { value: 'AUTH_TOKEN_INVALID' }
      const { ver: _ver, ...user } = caller.user
      if (await isLastActiveAdmin(trx, user)) return { value: 'AUTH_LAST_ADMIN' }
      const ended = await endSessionsOfUser(trx, user.id, 'user_deleted', new Date(now))
      await deleteUser(trx, user.id)
      return {
        value: { user, ended },
        revoke: { kind: 'user', key: user.id, value: Number.MAX_SAFE_INTEGER },
        change: { userId: user.id, username: user.username, deleted: true },
      }
    },
  )
  if (typeof value === 'string') return { outcome: value }
  if (!receipt) throw new Error('a deletion without a place in the log')
  await app.sessionMirror.drop(value.user.id, value.ended)
  return { outcome: 'deleted', user: value.user, receipt }
}
