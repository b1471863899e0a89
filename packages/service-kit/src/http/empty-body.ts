import type { FastifyRequest } from 'fastify'
import { problem } from '../problems/problem.ts'

/**
 * Reads a body of a type that nobody here takes, or of none. Where none is needed an empty one is none, whatever a
 * client says of it.
 *
 * @throws {ProblemError} MEDIA_TYPE_UNSUPPORTED for any other
 */
export async function refuseBody(request: FastifyRequest, payload: FastifyRequest['raw']): Promise<void> {
  if (request.is404) return
  if (request.routeOptions.schema?.body === undefined && (await isEmpty(payload))) return
  throw problem('MEDIA_TYPE_UNSUPPORTED')
}

/** Lets go what comes after the first piece, as Node does with what nobody reads. */
async function isEmpty(payload: FastifyRequest['raw']): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  payload.once('data', () => resolve(false))
  payload.once('end', () => resolve(true))
  payload.once('error', (cause) => reject(problem('REQUEST_MALFORMED', { cause })))
  return promise
}
