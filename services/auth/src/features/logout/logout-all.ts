import type { FastifyInstance } from 'fastify'
import type { UserClaims } from '@portcullis/schemas'
import type { Receipt } from '../../database/transaction.ts'
import { lockCaller } from '../../sessions/caller.ts'
import { endSessionsOfUser } from '../../sessions/queries.ts'
import { raiseUserVersion } from '../../users/queries.ts'

/**
 * Ends every session of the caller, this one too.
 *
 * @returns undefined if the caller's token is good no more
 */
export async function logoutAll(
  app: FastifyInstance,
  claims: UserClaims,
): Promise<{ readonly revoked: number; readonly receipt: Receipt } | undefined> {
  const now = app.now()
  const { value: ended, receipt } = await app.transact(async (trx) => {
    const caller = await lockCaller(trx, claims, now)
    if (!caller) return { value: undefined }
    const ended = await endSessionsOfUser(trx, claims.sub, 'logout_all', new Date(now))
    const ver = await raiseUserVersion(trx, claims.sub)
    return { value: ended, revoke: { kind: 'user', key: claims.sub, value: ver } }
  })
  if (!ended || !receipt) return undefined
  await app.sessionMirror.drop(claims.sub, ended)
  return { revoked: ended.length, receipt }
}
