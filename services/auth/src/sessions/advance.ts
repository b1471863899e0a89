import type { FastifyInstance } from 'fastify'
import type { Kysely } from 'kysely'
import type { DB } from '../database/tables.ts'
import type { Device } from './device.ts'
import { updateSessionPair, type LockedSession } from './queries.ts'
import { timesOfPair } from './times.ts'

/**
 * Gives a locked session its next generation.
 *
 * @param rotatedBy what makes the new pair: a used refresh token, or a change of the profile that supersedes it
 * @param now milliseconds since 1970
 */
export function advanceSession(
  app: FastifyInstance,
  trx: Kysely<DB>,
  session: Pick<LockedSession, 'id' | 'gen' | 'ends_at'>,
  rotatedBy: 'refresh' | 'profile',
  device: Device,
  now: number,
) {
  const { issued_at, expires_at } = timesOfPair(now, app.lifetimes, session.ends_at)
  return updateSessionPair.one(trx, {
    id: session.id,
    gen: session.gen + 1,
    refresh_kid: app.keyring.activeRefreshKey.kid,
    issued_at,
    expires_at,
    rotated_by: rotatedBy,
    rotated_at: new Date(now),
    ...device,
  })
}
