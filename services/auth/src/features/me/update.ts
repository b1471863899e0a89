import type { FastifyInstance } from 'fastify'
import type { TokenPair, UpdateMeBody, UserClaims } from '@portcullis/schemas'
import type { Receipt } from '../../database/transaction.ts'
import { lockCaller } from '../../sessions/caller.ts'
import { issueNewPair } from '../../sessions/issue.ts'
import { findEpoch } from '../../revocation/epoch.ts'
import { advanceSession } from '../../sessions/advance.ts'
import type { Device } from '../../sessions/device.ts'
import type { MirroredSession } from '../../sessions/queries.ts'
import { takenAsProblem } from '../../users/create.ts'
import { updateUser, type ShownUser } from '../../users/queries.ts'

interface Updated {
  readonly user: ShownUser
  readonly session: MirroredSession
  readonly pair: TokenPair
}

/**
 * Changes the caller's profile, and gives the session a pair that names it. The pair before is superseded: its
 * access token dies, and its refresh token gives the new pair until that one is used.
 *
 * @returns undefined if the caller's token is good no more
 * @throws {ProblemError} AUTH_USERNAME_TAKEN, AUTH_EMAIL_TAKEN
 */
export async function updateMe(
  app: FastifyInstance,
  claims: UserClaims,
  changes: UpdateMeBody,
  device: Device,
): Promise<{ readonly updated: Updated; readonly receipt: Receipt } | undefined> {
  const now = app.now()
  const work = app.transact<Updated | undefined>(async (trx) => {
    const caller = await lockCaller(trx, claims, now)
    if (!caller) return { value: undefined }
    const user = await updateUser(trx, caller.user.id, changes)
    const session = await advanceSession(app, trx, caller.session, 'profile', device, now)
    const holder = { ...user, ver: caller.user.ver, epoch: await findEpoch(trx) }
    const pair = issueNewPair(app, holder, session, now)
    const isRenamed = user.username !== caller.user.username
    return {
      value: { user, session, pair },
      touched: user.id,
      revoke: { kind: 'session_gen', key: session.id, value: session.gen },
      change: isRenamed ? { userId: user.id, username: user.username, deleted: false } : undefined,
    }
  })
  const { value, receipt } = await work.catch((error: unknown) => {
    throw takenAsProblem(error)
  })
  if (!value || !receipt) return undefined
  await app.sessionMirror.put(value.session)
  return { updated: value, receipt }
}
