/** What the errors of PostgreSQL's driver mean to a request. */

/** The statement never reached the server, or the server refused or cancelled it: nothing was changed. */
const NOT_DONE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  '08001', // sqlclient_unable_to_establish_sqlconnection
  '08004', // sqlserver_rejected_establishment_of_sqlconnection
  '25006', // read_only_sql_transaction: connected to a standby
  '28000', // invalid_authorization_specification
  '28P01', // invalid_password: so it is between the steps of a change of the password
  '3D000', // invalid_catalog_name: there is no such database
  '53100', // disk_full
  '53200', // out_of_memory
  '53300', // too_many_connections
  '53400', // configuration_limit_exceeded
  '55P03', // lock_not_available
  '57014', // query_canceled, by statement_timeout
  '57P03', // cannot_connect_now
])

/** The connection went away while the statement was under way: whether it was done is not known. */
const LOST = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  '08000',
  '08003',
  '08006',
  '25P03', // idle_in_transaction_session_timeout
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P04', // database_dropped
  '57P05', // idle_session_timeout
])

/** Those of certificates, which come before any statement. */
const NOT_DONE_TLS = /^(?:ERR_TLS_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/
/** Those of the protocol, which may come at any time. */
const LOST_TLS = /^(?:EPROTO$|ERR_SSL_)/

/** SQLSTATE of PgBouncer for any connection that it ends; the message says why. */
const PROTOCOL_VIOLATION = '08P01'
/**
 * Messages of PgBouncer to a client that never got a server connection: a refused login, or a wait that ran out. Nothing
 * was executed.
 */
const REFUSED_LOGIN =
  /login|no such|startup parameter|no more connections|query_wait_timeout|SSL required|SASL/

/** How the error of a connection begins on which nothing could be set before its first statement. */
export const NOT_SET_UP = 'The connection could not be set up'
/** The driver's own errors, which have no code. */
const NOT_DONE_MESSAGES = [
  NOT_SET_UP,
  'The server does not support SSL connections',
  'There was an error establishing an SSL connection',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Connection terminated due to connection timeout',
  'Cannot use a pool after calling end on the pool',
  'Client has encountered a connection error and is not queryable',
  'Postgres connection has been discarded',
]
const LOST_MESSAGES = [
  'Connection terminated',
  'Query read timeout',
  'Client was closed and is not queryable',
]

/**
 * `unavailable`: the database is away or overloaded and nothing was changed. `lost`: the connection broke, and
 * what was under way may have been done. `conflict`: PostgreSQL chose this transaction to give way.
 */
export type DatabaseFailure = 'unavailable' | 'lost' | 'conflict'

/** How the database failed, or undefined if the error is of another kind. */
export function databaseFailure(error: unknown): DatabaseFailure | undefined {
  if (!(error instanceof Error)) return undefined
  if (error instanceof AggregateError && error.errors.length > 0) return databaseFailure(error.errors[0])
  const code = 'code' in error ? error.code : undefined
  if (typeof code === 'string') {
    if (NOT_DONE.has(code) || NOT_DONE_TLS.test(code)) return 'unavailable'
    if (code === PROTOCOL_VIOLATION) return failureOfProxy(error)
    if (LOST.has(code) || LOST_TLS.test(code)) return 'lost'
    if (code === '40001' || code === '40P01') return 'conflict'
    return undefined
  }
  if (NOT_DONE_MESSAGES.some((message) => error.message.startsWith(message))) return 'unavailable'
  if (LOST_MESSAGES.some((message) => error.message.startsWith(message))) return 'lost'
  return undefined
}

/** PostgreSQL itself sends 08P01 as an ERROR to a malformed message and keeps the connection; only FATAL ends it. */
function failureOfProxy(error: Error): DatabaseFailure | undefined {
  if (!('severity' in error) || error.severity !== 'FATAL') return undefined
  return REFUSED_LOGIN.test(error.message) ? 'unavailable' : 'lost'
}

/** SQLSTATE and constraint of an error that PostgreSQL reported, such as `23505` and `users_username_key`. */
export function databaseErrorOf(
  error: unknown,
): { code: string; constraint: string | undefined } | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return undefined
  if (typeof error.code !== 'string') return undefined
  const constraint =
    'constraint' in error && typeof error.constraint === 'string' ? error.constraint : undefined
  return { code: error.code, constraint }
}

/** Whether a unique constraint, or the one of this name, refused the row. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  const found = databaseErrorOf(error)
  return found?.code === '23505' && (constraint === undefined || found.constraint === constraint)
}
