import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import fp from 'fastify-plugin'
import helmet from 'helmet'

/** What matters to answers in JSON, and no more; the pages of /docs set their own policy. */
const OPTIONS = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  dnsPrefetchControl: false,
  frameguard: false,
  ieNoOpen: false,
  permittedCrossDomainPolicies: false,
  xssFilter: false,
} as const

/** The headers of helmet, which are the same for every answer: asked for once. */
function headersOfHelmet(): Record<string, string> {
  const request = new IncomingMessage(new Socket())
  const response = new ServerResponse(request)
  helmet(OPTIONS)(request, response, (error) => {
    if (error !== undefined) throw new Error('helmet has failed', { cause: error })
  })
  return Object.fromEntries(
    Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]),
  )
}

export const SECURITY_HEADERS: Readonly<Record<string, string>> = headersOfHelmet()

/** Headers that keep browsers from harm (helmet), and the request's id, on every answer. */
export default fp(
  async (app) => {
    app.addHook('onRequest', (request, reply, done) => {
      reply.headers(SECURITY_HEADERS).header('x-request-id', request.id)
      done()
    })
  },
  { name: 'security-headers', fastify: '5.x' },
)
