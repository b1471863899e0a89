import { hostname } from 'node:os'
import { levels } from 'pino'
import type { FastifyRequest } from 'fastify'
import type { LoggerOptions } from './logger.ts'

/** As much of a request as its line is made of. */
export type LoggedRequest = Pick<FastifyRequest, 'id' | 'method' | 'url' | 'ip'> & {
  readonly routeOptions: Pick<FastifyRequest['routeOptions'], 'url'>
}

export interface Answered {
  readonly level: 'debug' | 'info'
  readonly request: LoggedRequest
  readonly status: number
  readonly ms: number
}

/**
 * Writes the line of a request as pino would, in a quarter of the time: it is the one line that is written for each, and
 * nothing in it is to be hidden.
 */
export function requestLines({
  name,
  level: lowest,
  stream,
}: Required<LoggerOptions>): (answered: Answered) => void {
  const writtenFrom = levels.values[lowest] ?? Infinity
  const writer = JSON.stringify({ pid: process.pid, hostname: hostname(), name }).slice(1, -1)
  return ({ level, request, status, ms }) => {
    const value = levels.values[level] ?? 0
    if (value < writtenFrom) return
    const req = JSON.stringify(serializeRequest(request))
    stream.write(
      `{"level":${value},"time":${Date.now()},${writer},"request_id":"${request.id}","req":${req},` +
        `"status":${status},"ms":${Math.round(ms * 10) / 10},"msg":"request"}\n`,
    )
  }
}

const ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i
/** What somebody may have meant for a path of ours, rather than a name, an address or a token. */
const WORD = /^[a-z][a-z\d_.-]{0,23}$/

export function serializeRequest(request: LoggedRequest) {
  return { method: request.method, path: pathOf(request), remote: request.ip }
}

/**
 * The path without what callers may have put into it and nobody should read in a log: of parameters the ids, of
 * unknown paths the words, and never the query.
 */
function pathOf({ routeOptions: { url: route }, url }: LoggedRequest): string {
  if (route !== undefined && !route.includes(':')) return route
  const [path = ''] = url.split('?', 1)
  const pattern = route?.split('/')
  const shown = path.split('/').map((segment, index) => {
    if (segment === '' || segment === pattern?.[index]) return segment
    if (pattern !== undefined) return ID.test(segment) ? segment : (pattern[index] ?? '…')
    return WORD.test(segment) || ID.test(segment) ? segment : '…'
  })
  return shown.join('/')
}
