import type { FastifyInstance } from 'fastify'
import type { TokenPair } from '@portcullis/schemas'
import type { Outcome } from '../../database/transaction.ts'
import { lockSessionToRefresh, rotateSession } from '../../sessions/issue-queries.ts'
import { issueNewPair } from '../../sessions/issue.ts'
import { advanceSession } from '../../sessions/advance.ts'
import { issuePair } from '../../sessions/pair.ts'
import type { Device } from '../../sessions/device.ts'
import { endSession, stateOf, type MirroredSession } from '../../sessions/queries.ts'
import { decideRotation } from '../../sessions/decide-rotation.ts'
import { timesOfPair } from '../../sessions/times.ts'
import { verifyRefresh, type SignedRefresh } from '../../tokens/refresh.ts'
import type { Kysely } from 'kysely'
import type { DB } from '../../database/tables.ts'

export type Refreshed =
  | { readonly outcome: 'refreshed'; readonly pair: TokenPair; readonly session: MirroredSession }
  | { readonly outcome: 'AUTH_REFRESH_INVALID' | 'AUTH_REFRESH_EXPIRED' }
  | {
      readonly outcome: 'AUTH_REFRESH_REUSED'
      readonly subject: { readonly user_id: string; readonly session_id: string }
    }

const INVALID = { value: { outcome: 'AUTH_REFRESH_INVALID' } } as const
const EXPIRED = { value: { outcome: 'AUTH_REFRESH_EXPIRED' } } as const

/**
 * Exchanges a refresh token for the next pair of its session. Every outcome is a value, also those that the
 * caller is refused with, because the end of a session after a reuse has to be committed.
 */
export async function refreshSession(
  app: FastifyInstance,
  token: string,
  device: Device,
): Promise<Refreshed> {
  const now = app.now()
  const verdict = await verifyRefresh(
    token,
    (kid, issuedAt) => app.keyring.findRefreshKey(kid, issuedAt),
    now,
  )
  if (verdict.outcome === 'bad') return INVALID.value
  if (verdict.outcome === 'expired') return EXPIRED.value
  const { claims } = verdict
  const value =
    (await rotateAtOnce(app, verdict, device, now)) ??
    (await app.transact((trx) => rotate(app, trx, verdict, device, now))).value
  if (value.outcome === 'refreshed') await app.sessionMirror.put(value.session)
  if (value.outcome === 'AUTH_REFRESH_REUSED') await app.sessionMirror.drop(claims.sub, [claims.sid])
  return value
}

/** What nearly every refresh is, in one statement; undefined, and nothing is changed, where there is more to decide. */
async function rotateAtOnce(
  app: FastifyInstance,
  { claims, kid }: SignedRefresh,
  device: Device,
  now: number,
): Promise<Refreshed | undefined> {
  if (app.accessOnRefresh === 'revoke') return undefined
  const { issued_at, expires_at } = timesOfPair(now, app.lifetimes)
  const session = await rotateSession.first(app.db, {
    id: claims.sid,
    userId: claims.sub,
    kid,
    from: claims.gen,
    gen: claims.gen + 1,
    refresh_kid: app.keyring.activeRefreshKey.kid,
    issued_at,
    expires_at,
    rotated_at: new Date(now),
    ...device,
  })
  if (!session) return undefined
  const { user_id: id, username, roles, ver, epoch } = session
  const pair = issueNewPair(app, { id, username, roles, ver, epoch }, session, now)
  return { outcome: 'refreshed', pair, session }
}

async function rotate(
  app: FastifyInstance,
  trx: Kysely<DB>,
  { claims, kid }: SignedRefresh,
  device: Device,
  now: number,
): Promise<Outcome<Refreshed>> {
  const session = await lockSessionToRefresh.first(trx, { id: claims.sid, userId: claims.sub, kid })
  if (session?.status !== 'active') return INVALID
  const { user_id: id, username, roles, ver, epoch } = session
  const user = { id, username, roles, ver, epoch }
  const decision = decideRotation(stateOf(session), claims.gen, now, app.replaySeconds)
  if (decision === 'unknown') return INVALID
  if (decision === 'expired') return EXPIRED
  if (decision === 'reused') {
    await endSession(trx, session.id, user.id, 'refresh_reuse', new Date(now))
    return {
      value: { outcome: 'AUTH_REFRESH_REUSED', subject: { user_id: user.id, session_id: session.id } },
      revoke: { kind: 'session', key: session.id },
    }
  }
  const current =
    decision === 'rotated' ? await advanceSession(app, trx, session, 'refresh', device, now) : session
  // Loads a key that another instance made: issuePair looks only at keys in memory.
  await app.keyring.findRefreshKey(current.refresh_kid, Math.floor(current.issued_at.getTime() / 1000))
  const pair = issuePair(app.keyring, app.tokenOptions, user, current, now)
  if (!pair) return INVALID
  const kills = decision === 'rotated' && app.accessOnRefresh === 'revoke'
  return {
    value: { outcome: 'refreshed', pair, session: current },
    revoke: kills ? { kind: 'session_gen', key: session.id, value: current.gen } : undefined,
  }
}
