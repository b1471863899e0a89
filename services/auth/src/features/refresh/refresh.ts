import type { FastifyInstance } from 'fastify'
import type { RefreshClaims, TokenPair } from '@portcullis/schemas'
import type { Outcome } from '../../database/transaction.ts'
import { nextPair } from '../../sessions/next-pair.ts'
import { issuePair } from '../../sessions/pair.ts'
import {
  endSession,
  findEpoch,
  lockSessionToRefresh,
  stateOf,
  type Device,
  type MirroredSession,
} from '../../sessions/queries.ts'
import { decideRotation } from '../../sessions/rotate.ts'
import { verifyRefresh } from '../../tokens/refresh.ts'
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
  const verdict = verifyRefresh(token, (kid) => app.keyring.refreshKey(kid), now)
  if (verdict.outcome === 'bad') return INVALID.value
  if (verdict.outcome === 'expired') return EXPIRED.value
  const { value } = await app.transact((trx) => rotate(app, trx, verdict.claims, device, now))
  if (value.outcome === 'refreshed') await app.sessionMirror.put(value.session)
  if (value.outcome === 'AUTH_REFRESH_REUSED')
    await app.sessionMirror.drop(verdict.claims.sub, [verdict.claims.sid])
  return value
}

async function rotate(
  app: FastifyInstance,
  trx: Kysely<DB>,
  claims: RefreshClaims,
  device: Device,
  now: number,
): Promise<Outcome<Refreshed>> {
  const session = await lockSessionToRefresh.first(trx, { id: claims.sid, userId: claims.sub })
  if (session?.status !== 'active') return INVALID
  const user = { id: session.user_id, username: session.username, roles: session.roles, ver: session.ver }
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
  const current = decision === 'rotated' ? await nextPair(app, trx, session, 'refresh', device, now) : session
  const pair = issuePair(app.keyring, app.pairOptions, user, current, await findEpoch(trx), now)
  if (!pair) return INVALID
  const kills = decision === 'rotated' && app.accessOnRefresh === 'revoke'
  return {
    value: { outcome: 'refreshed', pair, session: current },
    revoke: kills ? { kind: 'session_gen', key: session.id, value: current.gen } : undefined,
  }
}
