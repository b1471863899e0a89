import { randomUUID } from 'node:crypto'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyHttpOptions,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify'
import { ProblemSchema, type ProblemCode } from '@portcullis/schemas'
import docs, { type Tag } from '../docs/docs.ts'
import health from '../health/health.ts'
import metrics from '../metrics/metrics.ts'
import { clientErrorHandler } from '../problems/client-error.ts'
import { problemHandler } from '../problems/handler.ts'
import { problemPages } from '../problems/pages.ts'
import cors, { corsHeaders } from './cors.ts'
import { parseJsonBody } from './json-body.ts'
import { gatheredOutput, loggerOptions, type LoggerOptions } from './logger.ts'
import loadShedding from './load-shedding.ts'
import notFound from './not-found.ts'
import headLength from './head-length.ts'
import protocol from './protocol.ts'
import {
  dropBadType,
  endEmptyBody,
  refuseBody,
  refuseCoding,
  refuseFields,
  refuseParameters,
} from './refusals.ts'
import requestLog, { logRequest } from './request-log.ts'
import securityHeaders, { SECURITY_HEADERS } from './security-headers.ts'
import { serializerFactory } from './serializer.ts'
import { limitReading } from './slow-reader.ts'
import { validatorFactory } from './validator.ts'

/** A Fastify instance whose routes take their types from TypeBox schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export interface AppOptions {
  /** Name of the service, in logs and metrics. */
  readonly name: string
  readonly title: string
  readonly version: string
  readonly description?: string
  /** Groups of routes in the OpenAPI document. */
  readonly tags?: readonly Tag[]
  /** Base of the problems' `type`, and server of the OpenAPI document. */
  readonly issuer: string
  /** Level and destination of the log; silent without. */
  readonly logger?: Omit<LoggerOptions, 'name'>
  readonly trustProxy?: boolean | string
  /** Origins whose pages may call the service; none without. */
  readonly corsOrigins?: readonly string[]
  readonly metrics?: { readonly host: string; readonly port: number }
}

const BODY_LIMIT_BYTES = 1024 * 1024

function serverOptions({ trustProxy = false }: AppOptions, logger: Required<LoggerOptions> | undefined) {
  return {
    logger: logger === undefined ? false : loggerOptions(logger),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    trustProxy,
    // Longer than a plugin waits for a store that is slow.
    pluginTimeout: 30_000,
    bodyLimit: BODY_LIMIT_BYTES,
    // A client has 10 s for its headers and 20 s for the whole request, then 408. For what it reads: slow-reader.ts.
    requestTimeout: 20_000,
    keepAliveTimeout: 72_000,
    http: {
      headersTimeout: 10_000,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: 16_384,
      requireHostHeader: false,
      // Most requests have no body, and Node would make a stream of it that nobody reads.
      optimizeEmptyRequests: true,
    },
    // A request that arrives on an open connection while the service stops is answered, not turned away.
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 256 },
    // Answers are not validated; the serializer only has to know that the format exists.
    serializerOpts: { ajv: { formats: { text: true } } },
    schemaController: {
      compilersFactory: { buildValidator: validatorFactory(), buildSerializer: serializerFactory() },
    },
  } satisfies FastifyHttpOptions<RawServerDefault>
}

/**
 * What both services stand on: validation, problem documents, logs, limits of size and time, security headers,
 * health, metrics and docs. Routes are added by registering plugins.
 */
export function createApp(options: AppOptions): App {
  const { name, title, version, description, tags = [], issuer, corsOrigins = [] } = options
  const count = (code: ProblemCode) => {
    if (app.hasDecorator('countProblem')) app.countProblem(code)
  }
  const logger = options.logger && {
    ...options.logger,
    name,
    stream: options.logger.stream ?? gatheredOutput(),
  }
  const handleProblem = problemHandler(issuer, count)
  const app: App = Fastify<RawServerDefault>({
    ...serverOptions(options, logger),
    clientErrorHandler: clientErrorHandler(issuer, ({ code, statusCode }, { remote, id }) => {
      count(code)
      app.log.info({ request_id: id, code, status: statusCode, remote }, 'no request')
    }),
    // What the router refuses comes by no hook.
    frameworkErrors: (error, request, reply) => {
      reply.headers({ ...SECURITY_HEADERS, ...corsHeaders(corsOrigins, request.headers.origin) })
      reply.raw.once('finish', () => logRequest(request, reply))
      handleProblem(error, request, reply)
    },
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.server.prependListener('request', ({ socket }) => limitReading(socket))
  app.setErrorHandler(handleProblem)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => parseJsonBody(body),
  )
  app.addContentTypeParser('*', refuseBody)
  app.addHook('onRequest', dropBadType)
  app.addHook('preParsing', refuseCoding)
  app.addHook('preParsing', endEmptyBody)
  app.addHook('preValidation', refuseParameters)
  app.addHook('preValidation', refuseFields)
  app.register(protocol)
  app.addSchema(ProblemSchema)

  app.register(securityHeaders)
  app.register(notFound)
  app.register(requestLog, { logger })
  app.register(headLength)
  if (corsOrigins.length > 0) app.register(cors, { origins: corsOrigins })
  app.register(loadShedding)
  app.register(metrics, { service: name, ...(options.metrics ?? { host: '127.0.0.1', port: 0 }) })
  app.register(docs, { title, version, tags, ...(description !== undefined && { description }) })
  app.register(health)
  app.register(problemPages, { issuer })
  return app
}
