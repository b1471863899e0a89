import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { ProblemCode } from '@portcullis/schemas'
import { limitReading } from '../http/slow-reader.ts'
import { PROBLEM_TYPE } from './handler.ts'
import { problem, problemDocument, type ProblemError } from './problem.ts'

/** What there is of a request that could not be read. */
interface Unread {
  readonly id: string
  readonly remote: string | undefined
}

/** Answers what Node's HTTP parser refuses, before there is a request, with a problem document too. */
export function clientErrorHandler(issuer: string, note: (found: ProblemError, unread: Unread) => void) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return
    if (!socket.writable) {
      socket.destroy(error)
      return
    }
    const found = problem(codeOf(error.code))
    const id = randomUUID()
    note(found, { id, remote: socket.remoteAddress })
    const body = JSON.stringify(problemDocument(found, issuer, id))
    limitReading(socket)
    socket.end(
      `HTTP/1.1 ${found.statusCode} ${found.message}\r\ncontent-type: ${PROBLEM_TYPE}\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n` +
        `x-request-id: ${id}\r\nconnection: close\r\n\r\n${body}`,
    )
  }
}

function codeOf(code: string | undefined): ProblemCode {
  if (code === 'HPE_HEADER_OVERFLOW') return 'HEADERS_TOO_LARGE'
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'REQUEST_TIMEOUT'
  return 'REQUEST_MALFORMED'
}
