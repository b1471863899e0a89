import httpProxy from '@fastify/http-proxy'
import swagger, { type StaticDocumentSpec } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { PROBLEMS, type Problem, type ProblemCode } from '@portcullis/schemas'
import { clientErrorHandler } from '@portcullis/service-kit/client-error'
import { docsPage } from '@portcullis/service-kit/docs-page'
import { ProblemError } from '@portcullis/service-kit/problem'
import protocol from '@portcullis/service-kit/protocol'
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type HookHandlerDoneFunction,
  type RequestPayload,
} from 'fastify'
import { randomUUID } from 'node:crypto'
import { METHODS } from 'node:http'
import { Transform } from 'node:stream'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { isAnswered } from './answers.ts'
import { rewriteHeaders, rewriteRequestHeaders } from './gateway-headers.ts'
import { describeOrigin, fetchDocument } from './openapi.ts'
import type { ServiceName } from './places.ts'

export interface GatewayOptions {
  /** Base URLs of the services. */
  readonly auth: string
  readonly content: string
  /** Resolve when each of them answers; without, they do already. */
  readonly ready?: Readonly<Record<ServiceName, Promise<void>>> | undefined
}

/** The type that the plugin wants; it has been checked as much as it has to be where it was read. */
const Specification = Compile(Type.Unsafe<StaticDocumentSpec['document']>(Type.Object({})))

/** Node answers CONNECT by itself. */
const PASSED_ON = METHODS.filter((method) => method !== 'CONNECT')

/** What content answers; auth has all the rest. */
const CONTENT_PREFIXES = ['/api/v1/posts', '/api/v1/tasks']

/**
 * One origin for both services, as nginx is in front of the containers. It resolves when both services answer, because it
 * merges their documents into one for `/docs` and `/openapi.json`.
 */
export async function buildGateway({ auth, content, ready }: GatewayOptions): Promise<FastifyInstance> {
  const app = fastify({
    forceCloseConnections: true,
    http: { requireHostHeader: false },
    routerOptions: { ignoreTrailingSlash: true },
    rewriteUrl: ({ url = '/' }) => pathOf(url),
    genReqId: () => randomUUID(),
    clientErrorHandler: clientErrorHandler('', () => undefined),
    frameworkErrors: (_error, request, reply) => void sendProblem(request, reply, 'REQUEST_MALFORMED'),
  })
  // A method that no route has is refused by the service, which knows those that there are.
  for (const method of PASSED_ON) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method)
  // Fastify takes QUERY for a method with a body, and would refuse it without a content type.
  app.addHttpMethod('QUERY', { overrideExisting: true })
  // Our own routes do not fail: what comes here is a request that cannot be passed on, or a service that is away. A service
  // that refuses a body hangs up while the rest of it is being sent, which looks as if it were away.
  app.setErrorHandler((error, request, reply) => {
    if (request.isTooLarge === true) return sendProblem(request, reply, 'REQUEST_TOO_LARGE')
    if (error instanceof ProblemError) return sendProblem(request, reply, error.code, error.detail)
    return sendProblem(request, reply, codeOf(error))
  })
  app.decorateRequest('contentType', undefined)
  app.addHook('onRequest', hideContentType)
  app.decorateRequest('isTooLarge', false)
  app.addHook('preParsing', boundBody)
  await app.register(protocol)

  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, 'NOT_FOUND'))

  app.get('/', async (_request, reply) => reply.redirect('/docs'))
  app.get('/health/live', async () => ({ status: 'ok' }))
  app.get('/health/ready', async (request, reply) => {
    const both = await Promise.all([auth, content].map((url) => isAnswered(`${url}/health/ready`, 1500)))
    if (!both.includes(false)) return { status: 'ok' }
    return sendProblem(request, reply, 'UNAVAILABLE', both[0] ? 'Not ready: content.' : 'Not ready: auth.')
  })

  for (const prefix of CONTENT_PREFIXES) {
    await app.register(httpProxy, { ...proxyTo(content), prefix, rewritePrefix: prefix })
  }
  await app.register(httpProxy, { ...proxyTo(auth), routes: ['/*'] })

  const document = await mergedDocument({ auth, content, ready })
  await app.register(swagger, { mode: 'static', specification: { document: Specification.Parse(document) } })
  await app.register(swaggerUi, docsPage('Portcullis'))
  app.get('/openapi.json', async () => document)
  return app
}

/** The target of a request without scheme and host, which a client may send too (RFC 9112 section 3.2.2). */
function pathOf(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?]*/i, '')
  return path === target || path.startsWith('/') ? path : `/${path}`
}

async function mergedDocument({ ready, ...urls }: GatewayOptions) {
  const [auth, content] = await Promise.all([
    documentOf(urls.auth, ready?.auth),
    documentOf(urls.content, ready?.content),
  ])
  return describeOrigin({ auth, content })
}

async function documentOf(service: string, ready: Promise<void> | undefined) {
  await ready
  return fetchDocument(`${service}/openapi.json`)
}

/** The services decide about content types: from Fastify here they are hidden, since it would refuse what it cannot parse. */
function hideContentType(request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void {
  const { headers } = request.raw
  request.contentType = headers['content-type']
  if (request.contentType !== undefined) headers['content-type'] = 'application/octet-stream'
  done()
}

/** The longest body that the services take; no more is passed on. */
const BODY_LIMIT_BYTES = 1024 * 1024

async function boundBody(
  request: FastifyRequest,
  _reply: FastifyReply,
  payload: RequestPayload,
): Promise<RequestPayload> {
  const tooLarge = () => {
    request.isTooLarge = true
    return new Error('the body is too large')
  }
  if (Number(request.headers['content-length']) > BODY_LIMIT_BYTES) throw tooLarge()
  if (request.headers['transfer-encoding'] === undefined) return payload
  let bytes = 0
  const bound = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes <= BODY_LIMIT_BYTES) return done(null, chunk)
      // The rest is let go, so that the client is not hung up on before it has read the answer.
      payload.unpipe(bound)
      payload.resume()
      done(tooLarge())
    },
  })
  return payload.on('error', (error) => bound.destroy(error)).pipe(bound)
}

function codeOf(error: unknown): ProblemCode {
  if (error instanceof URIError) return 'REQUEST_MALFORMED'
  const status: unknown = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  return typeof status === 'number' && status >= 400 && status < 500 ? 'REQUEST_MALFORMED' : 'UNAVAILABLE'
}

function proxyTo(upstream: string) {
  return {
    upstream,
    disableRequestLogging: true,
    httpMethods: PASSED_ON,
    internalRewriteLocationHeader: false,
    // The services' connections end with us.
    destroyAgent: true,
    replyOptions: {
      rewriteRequestHeaders,
      rewriteHeaders,
      // A 503 is an answer; asking ten more times, as the proxy would, makes it worse.
      retryDelay: () => null,
    },
  }
}

function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ProblemCode,
  detail?: string,
): FastifyReply {
  const { status, title } = PROBLEMS[code]
  const problem: Problem = {
    type: `/problems/${code}`,
    title,
    status,
    code,
    ...(detail !== undefined && { detail }),
    instance: request.id,
  }
  if (code === 'UNAVAILABLE') reply.header('retry-after', '1')
  reply.headers({ 'cache-control': 'no-store', 'x-request-id': request.id })
  return reply.code(status).type('application/problem+json').send(JSON.stringify(problem))
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether its body was found to be larger than the services take. */
    isTooLarge?: boolean
    /** Its content type as it was sent. */
    contentType?: string | undefined
  }
}
