import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { ProblemCode } from '@portcullis/schemas'
import { PROBLEM_TYPE } from './handler.ts'
import { problem, problemDocument } from './problem.ts'

/** Answers what Node's HTTP parser refuses, before there is a request, with a problem document too. */
export function clientErrorHandler(issuer: string) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return
    if (!socket.writable) {
      socket.destroy(error)
      return
    }
    const found = problem(codeOf(error.code))
    const body = JSON.stringify(problemDocument(found, issuer, randomUUID()))
    socket.end(
      `HTTP/1.1 ${found.statusCode} ${found.message}\r\ncontent-type: ${PROBLEM_TYPE}\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    )
  }
}

function codeOf(code: string | undefined): ProblemCode {
  if (code === 'HPE_HEADER_OVERFLOW') return 'HEADERS_TOO_LARGE'
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'REQUEST_TIMEOUT'
  return 'REQUEST_MALFORMED'
}
