import { destination } from 'pino'
import type { FastifyServerOptions } from 'fastify'
import { databaseErrorOf } from '../stores/errors.ts'
import { serializeRequest } from './request-line.ts'

const REDACTED: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'current_password',
  'new_password',
  'token',
  'access_token',
  'refresh_token',
  'client_secret',
  'email',
])
/** Names of fields that a serializer makes out of something larger; these take no more than they name. */
const SERIALIZED: ReadonlySet<string> = new Set(['err', 'req', 'res'])
const MAX_DEPTH = 3

/**
 * The fields of a line without what nobody should read, down to the third level. In the place of pino's own
 * redaction, which takes seven times as long as the rest of a line; what has nothing to hide is not copied.
 */
function redact(fields: Record<string, unknown>): Record<string, unknown> {
  const changed = changedIn(fields, 1)
  return changed === undefined ? fields : { ...fields, ...changed }
}

function changedIn(fields: object, depth: number): Record<string, unknown> | undefined {
  let changed: Record<string, unknown> | undefined
  for (const name of Object.keys(fields)) {
    const value: unknown = Reflect.get(fields, name)
    const shown = REDACTED.has(name) ? '[redacted]' : shownOf(name, value, depth)
    if (shown !== value) changed = { ...changed, [name]: shown }
  }
  return changed
}

function shownOf(name: string, value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth === MAX_DEPTH) return value
  if (depth === 1 && SERIALIZED.has(name)) return value
  const changed = changedIn(value, depth + 1)
  if (changed === undefined) return value
  return Array.isArray(value) ? Object.assign(value.slice(), changed) : { ...value, ...changed }
}

interface SerializedError {
  readonly type: string
  readonly message: string
  readonly code?: unknown
  readonly constraint?: string
  readonly stack: string
  readonly [key: string]: unknown
  readonly cause?: SerializedError
}

/**
 * An error as it may stand in the log: of PostgreSQL's errors the message without what it quotes, and not the
 * detail, since both repeat what was sent.
 */
export function serializeError(error: unknown, depth = 0): SerializedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an Error', stack: '' }
  const database = databaseErrorOf(error)
  const message = database?.code.startsWith('22')
    ? error.message.replaceAll(/"[^"]*"/g, '"…"')
    : error.message
  const stack = (error.stack ?? '').replace(error.message, message)
  return {
    type: error.name,
    message,
    ...('code' in error && { code: error.code }),
    ...(database?.constraint !== undefined && { constraint: database.constraint }),
    stack,
    ...(error.cause !== undefined && depth < 3 && { cause: serializeError(error.cause, depth + 1) }),
  }
}

export interface LogStream {
  write(line: string): void
}

export interface LoggerOptions {
  readonly name: string
  readonly level: string
  /** Where the lines go; standard output by default. */
  readonly stream?: LogStream
}

const PAGE_LENGTH = 4096
const LATEST_MS = 100

/**
 * Standard output, written when there is a page of lines, after 100 ms, and when the process ends. pino's own gathering
 * measures all that it has with each line.
 */
export function gatheredOutput(): LogStream {
  const output = destination({ dest: 1, sync: true })
  let lines = ''
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (lines !== '') output.write(lines)
    lines = ''
  }
  process.once('exit', () => {
    flush()
    // Its flushSync would try for ever to write to a reader that is gone, and the process would never end.
    output.end()
  })
  return {
    write(line) {
      lines += line
      if (lines.length >= PAGE_LENGTH) flush()
      else timer ??= setTimeout(flush, LATEST_MS).unref()
    },
  }
}

/**
 * Lines for a person to read instead of JSON, each written at once.
 *
 * @param destination a file; standard output by default.
 */
export async function readableOutput(destination?: string): Promise<LogStream> {
  // Of no use to most processes.
  const { default: pretty } = await import('pino-pretty')
  return pretty({
    ignore: 'pid,hostname',
    translateTime: 'HH:MM:ss.l',
    singleLine: true,
    destination: destination ?? 1,
    sync: true,
  })
}

/** Options of pino: JSON lines with a request id in each line of a request, and nothing secret in any. */
export function loggerOptions({
  name,
  level,
  stream,
}: Required<LoggerOptions>): NonNullable<FastifyServerOptions['logger']> {
  return {
    name,
    level,
    formatters: { log: redact },
    serializers: { err: serializeError, req: serializeRequest },
    stream,
  }
}
