import { sql, type Expression, type Kysely, type QueryCreator } from 'kysely'
import { statement, type Param } from '@portcullis/service-kit'
import type { DB } from '../database/tables.ts'
import { isRefreshKeyKept } from '../keys/queries.ts'
import type { Device } from './device.ts'
import { pairColumns, type NextGeneration, type PairColumns, type Presented } from './queries.ts'

/**
 * The user whom tokens are issued to, locked, so that roles, version, password and status stay until the commit, and
 * the epoch. It is a part of its own of each statement here, whose first lock it takes. An epoch that is raised while
 * the statement waits for that lock is missed: the token is dead from its first moment, as if issued a moment before.
 */
function holder(db: QueryCreator<DB>, id: Expression<string>) {
  return db
    .selectFrom(['users', 'revocation_head'])
    .select(['users.id as holder_id', 'username', 'roles', 'ver', 'status', 'password_hash', 'epoch'])
    .where('users.id', '=', id)
    .forShare('users')
}

const holderColumns = ['username', 'roles', 'ver', 'epoch'] as const

interface NewSession extends PairColumns, Device {
  readonly userId: string
  readonly passwordHash: string
}

/**
 * Opens a session for a user who is active and whose password's hash is still this one, and notes the login that it
 * comes from. No row otherwise.
 */
export const insertSession = statement((db: Kysely<DB>, param: Param<NewSession>) =>
  db
    .with(
      (cte) => cte('holder').materialized(),
      (cte) => holder(cte, param('userId')),
    )
    .with('opened', (cte) =>
      cte
        .insertInto('sessions')
        .columns(['user_id', 'refresh_kid', 'issued_at', 'expires_at', 'ends_at', 'ip', 'user_agent'])
        .expression((values) =>
          values
            .selectFrom('holder')
            .select([
              'holder_id',
              sql<string>`${param('refresh_kid')}::text`.as('refresh_kid'),
              sql<Date>`${param('issued_at')}::timestamptz`.as('issued_at'),
              sql<Date>`${param('expires_at')}::timestamptz`.as('expires_at'),
              sql<Date>`${param('ends_at')}::timestamptz`.as('ends_at'),
              sql<string | null>`${param('ip')}::inet`.as('ip'),
              sql<string | null>`${param('user_agent')}::text`.as('user_agent'),
            ])
            .where('password_hash', '=', param('passwordHash'))
            .where('status', '=', 'active'),
        )
        .returning(pairColumns),
    )
    .with('noted', (cte) =>
      cte
        .insertInto('login_history')
        .columns(['user_id', 'session_id', 'ip', 'user_agent', 'outcome'])
        .expression((values) =>
          values
            .selectFrom('opened')
            .select(['user_id', 'id', 'ip', 'user_agent', sql.lit('success').as('outcome')]),
        ),
    )
    .selectFrom('opened')
    .innerJoin('holder', 'holder_id', 'user_id')
    .select([...pairColumns, ...holderColumns]),
)

/** The session of a refresh token whose key has not been given up, and its user, both locked, the user first. */
export const lockSessionToRefresh = statement((db: Kysely<DB>, param: Param<Presented>) =>
  db
    .with(
      (cte) => cte('holder').materialized(),
      (cte) => holder(cte, param('userId')),
    )
    .selectFrom('sessions')
    .innerJoin('holder', 'holder_id', 'user_id')
    .select([...pairColumns, 'rotated_by', 'rotated_at', 'ended_at', 'status', ...holderColumns])
    .where('id', '=', param('id'))
    .where(isRefreshKeyKept(param('kid')))
    .forUpdate('sessions'),
)

interface Rotated extends Omit<NextGeneration, 'rotated_by'>, Presented {
  /** The generation of the token that is presented. */
  readonly from: number
}

/**
 * Gives a session its next generation where `decideRotation` would say `rotated`: the session and its user are alive,
 * the token is the newest, and its key has not been given up. No row otherwise. Of two that come at once the second waits for the first, and then
 * finds another generation.
 */
export const rotateSession = statement((db: Kysely<DB>, param: Param<Rotated>) =>
  db
    .with(
      (cte) => cte('holder').materialized(),
      (cte) => holder(cte, param('userId')),
    )
    .updateTable('sessions')
    .from('holder')
    .set({
      gen: param('gen'),
      refresh_kid: param('refresh_kid'),
      issued_at: param('issued_at'),
      expires_at: sql<Date>`least(${param('expires_at')}::timestamptz, ends_at)`,
      rotated_by: 'refresh',
      rotated_at: param('rotated_at'),
      last_used_at: param('rotated_at'),
      ip: param('ip'),
      user_agent: param('user_agent'),
    })
    .where('id', '=', param('id'))
    .whereRef('user_id', '=', 'holder_id')
    .where(isRefreshKeyKept(param('kid')))
    .where('status', '=', 'active')
    .where('gen', '=', param('from'))
    .where('ended_at', 'is', null)
    .where('expires_at', '>', param('rotated_at'))
    .where('ends_at', '>', param('rotated_at'))
    .returning([...pairColumns, ...holderColumns]),
)
