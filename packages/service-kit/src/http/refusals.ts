import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest, FastifySchema, HookHandlerDoneFunction } from 'fastify'
import { problem } from '../problems/problem.ts'
import { unknownFields, unknownParameters } from '../problems/validation.ts'

/**
 * Takes away a content type that is none, such as `foo`: Fastify would refuse it before anybody knows whether there is a
 * body, and a route to take it. What comes without a type is of one that nobody here takes.
 */
export function dropBadType(
  { raw, headers, mediaType }: FastifyRequest,
  _reply: FastifyReply,
  done: HookHandlerDoneFunction,
): void {
  if (mediaType === undefined && headers['content-type'] !== undefined) delete raw.headers['content-type']
  done()
}

/**
 * Where a request has a type and no body (neither length nor coding of a transfer), gives its parser a stream that ends:
 * with `optimizeEmptyRequests` that of Node has done so before anybody listens.
 */
export function endEmptyBody(
  { raw, headers }: FastifyRequest,
  _reply: FastifyReply,
  _payload: unknown,
  done: (error?: null, payload?: Readable) => void,
): void {
  if (raw.readableEnded && headers['content-type'] !== undefined) done(null, Readable.from([]))
  else done()
}

/**
 * Reads a body of a type that nobody here takes, or of none. Where none is needed an empty one is none, whatever a
 * client says of it.
 *
 * @throws {ProblemError} MEDIA_TYPE_UNSUPPORTED for any other
 */
export async function refuseBody(request: FastifyRequest, payload: FastifyRequest['raw']): Promise<void> {
  if (request.is404) return
  if (!needsBody(request) && (await isEmpty(payload))) return
  throw problem('MEDIA_TYPE_UNSUPPORTED')
}

/** Where a route has no body, or one that may be null, a request may come without. */
function needsBody(request: FastifyRequest): boolean {
  const fits = request.getValidationFunction('body')
  return fits !== undefined && !fits(null)
}

/**
 * Refuses the fields of a body that the route does not look at, so that nobody believes that they did something.
 *
 * @throws {ProblemError} REQUEST_INVALID
 */
export function refuseFields(
  { body, is404, routeOptions }: FastifyRequest,
  _reply: FastifyReply,
  done: HookHandlerDoneFunction,
): void {
  if (body === undefined || body === null || is404 || routeOptions.schema?.body !== undefined) return done()
  const errors = unknownFields(body)
  done(errors.length === 0 ? undefined : problem('REQUEST_INVALID', { errors }))
}

/**
 * Refuses the parameters of a query that the route does not look at, likewise.
 *
 * @throws {ProblemError} REQUEST_INVALID
 */
export function refuseParameters(
  request: FastifyRequest,
  _reply: FastifyReply,
  done: HookHandlerDoneFunction,
): void {
  // Most requests have none, and Fastify makes the options of the route anew whenever they are asked for.
  if (!request.url.includes('?') || request.is404) return done()
  const { url = '', schema } = request.routeOptions
  if (!takesNoQuery(url, schema)) return done()
  const errors = unknownParameters(request.query)
  done(errors.length === 0 ? undefined : problem('REQUEST_INVALID', { errors }))
}

/** Only the API refuses unknown parameters; probes, docs and OAuth ignore them (RFC 6749 section 3.2). */
export function takesNoQuery(url: string, schema: FastifySchema | undefined): boolean {
  return url.startsWith('/api/v1/') && schema?.querystring === undefined
}

/**
 * Refuses a body in a coding, such as gzip, since nobody here decodes one, and says so (RFC 9110 section 15.5.16).
 *
 * @throws {ProblemError} MEDIA_TYPE_UNSUPPORTED
 */
export function refuseCoding(
  { headers, is404 }: FastifyRequest,
  _reply: FastifyReply,
  _payload: unknown,
  done: HookHandlerDoneFunction,
): void {
  const coding = headers['content-encoding']
  if (coding === undefined || /^(?:identity)?$/i.test(coding) || is404 || !hasBody(headers)) return done()
  done(
    problem('MEDIA_TYPE_UNSUPPORTED', {
      detail: 'The body has a Content-Encoding. Send it without one.',
      headers: { 'accept-encoding': 'identity' },
    }),
  )
}

function hasBody({
  'content-length': length = '0',
  'transfer-encoding': transfer,
}: IncomingHttpHeaders): boolean {
  return length !== '0' || transfer !== undefined
}

/** Resolves at the first chunk; the stream then flows on and the rest is discarded. */
async function isEmpty(payload: FastifyRequest['raw']): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  payload.once('data', () => resolve(false))
  payload.once('end', () => resolve(true))
  payload.once('error', (cause) => reject(problem('REQUEST_MALFORMED', { cause })))
  return promise
}
