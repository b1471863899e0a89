import { isIP } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { TokenPair } from '@portcullis/schemas'
import { lockUserToIssue } from '../users/queries.ts'
import { issueNewPair } from './issue.ts'
import { insertSession, type Device, type MirroredSession } from './queries.ts'
import { timesOfPair } from './times.ts'

/** Longest part of a user agent that is kept, in characters. */
const MAX_USER_AGENT = 400

/**
 * Where the request comes from, as sessions and the login history keep it. An address that a trusted proxy names
 * can be any text; what is none is not kept, and neither is the zone of a link-local one.
 */
export function deviceOf(request: FastifyRequest): Device {
  const [address = ''] = request.ip.split('%')
  const agent = request.headers['user-agent']
  return {
    ip: isIP(address) === 0 ? null : address,
    user_agent: agent?.slice(0, MAX_USER_AGENT).toWellFormed() ?? null,
  }
}

export type Opened =
  | { readonly outcome: 'opened'; readonly session: MirroredSession; readonly pair: TokenPair }
  | { readonly outcome: 'changed' | 'disabled' }

/**
 * Opens a session for a user whose password has just been checked against `passwordHash`. The check took long,
 * so it counts only if under the row's lock the hash is still the same and the user active.
 */
export async function openSession(
  app: FastifyInstance,
  userId: string,
  passwordHash: string,
  device: Device,
): Promise<Opened> {
  const now = app.now()
  const { value } = await app.transact<Opened>(async (trx) => {
    const user = await lockUserToIssue(trx, userId)
    if (!user || user.password_hash !== passwordHash) return { value: { outcome: 'changed' } }
    if (user.status !== 'active') return { value: { outcome: 'disabled' } }
    const times = { ...timesOfPair(now, app.lifetimes), refresh_kid: app.keyring.activeRefreshKey.kid }
    const session = await insertSession(trx, user.id, times, device)
    const pair = await issueNewPair(app, trx, user, session, now)
    return { value: { outcome: 'opened', session, pair } }
  })
  if (value.outcome === 'opened') await app.sessionMirror.put(value.session)
  return value
}
