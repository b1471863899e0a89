import type { FastifyInstance } from 'fastify'
import type { Kysely } from 'kysely'
import type { TokenPair } from '@portcullis/schemas'
import type { DB } from '../database/tables.ts'
import type { Device } from './device.ts'
import { insertSession } from './issue-queries.ts'
import { issueNewPair } from './issue.ts'
import type { MirroredSession } from './queries.ts'
import { timesOfPair } from './times.ts'

/**
 * Opens a session for a user whose password has just been checked against `passwordHash`. The check took long, so it
 * counts only if under the row's lock the hash is still the same and the user active.
 *
 * @returns undefined if either has changed
 */
export async function openSession(
  app: FastifyInstance,
  userId: string,
  passwordHash: string,
  device: Device,
): Promise<TokenPair | undefined> {
  const opened = await insertNewSession(app, app.db, { userId, passwordHash }, device, app.now())
  if (opened) await app.sessionMirror.put(opened.session)
  return opened?.pair
}

/**
 * Opens a session in a transaction, after which it is to be shown in the mirror.
 *
 * @param now milliseconds since 1970
 * @returns undefined if the user's password has another hash, or the user is not active
 */
export async function insertNewSession(
  app: FastifyInstance,
  db: Kysely<DB>,
  user: { readonly userId: string; readonly passwordHash: string },
  device: Device,
  now: number,
): Promise<{ readonly session: MirroredSession; readonly pair: TokenPair } | undefined> {
  const refresh_kid = app.keyring.activeRefreshKey.kid
  const times = timesOfPair(now, app.lifetimes)
  const session = await insertSession.first(db, { ...user, ...device, ...times, refresh_kid })
  if (!session) return undefined
  const { user_id: id, username, roles, ver, epoch } = session
  return { session, pair: issueNewPair(app, { id, username, roles, ver, epoch }, session, now) }
}
