import type { Kysely } from 'kysely'
import type { DB } from '../database/tables.ts'
import type { Transact } from '../database/transaction.ts'
import type { SessionMirror } from '../sessions/mirror.ts'

/** What a change of a user needs, of an instance of the service or of a command. */
export interface UserStores {
  readonly db: Kysely<DB>
  readonly transact: Transact
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly sessionMirror: Pick<SessionMirror, 'drop'>
}
