import cors, { type FastifyCorsOptions } from '@fastify/cors'
import fp from 'fastify-plugin'
import type { FastifyRequest } from 'fastify'

const EXPOSED_HEADERS = [
  'Allow',
  'Content-Disposition',
  'ETag',
  'Idempotency-Replayed',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'Revocation-Pending',
  'Revocation-Position',
  'WWW-Authenticate',
  'X-Request-Id',
]

export interface CorsOptions {
  readonly origins: readonly string[]
}

/** Pages of these origins may call the service. An OPTIONS that is no preflight is answered as without this. */
export default fp<CorsOptions>(
  async (app, { origins }) => {
    const options: FastifyCorsOptions = {
      origin: [...origins],
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders: EXPOSED_HEADERS,
      maxAge: 600,
      strictPreflight: false,
    }
    const plain: FastifyCorsOptions = { ...options, preflight: false }
    app.register(cors, {
      delegator: (request, callback) => {
        callback(null, isPreflight(request) ? options : plain)
      },
    })
  },
  { name: 'cors', fastify: '5.x' },
)

function isPreflight({ headers }: FastifyRequest): boolean {
  return headers.origin !== undefined && headers['access-control-request-method'] !== undefined
}

/** The same headers for an answer that no hook has seen. */
export function corsHeaders(origins: readonly string[], origin: string | undefined): Record<string, string> {
  if (origins.length === 0) return {}
  return {
    vary: 'Origin',
    'access-control-expose-headers': EXPOSED_HEADERS.join(', '),
    ...(origin !== undefined && origins.includes(origin) && { 'access-control-allow-origin': origin }),
  }
}
