import { once } from 'node:events'
import { Agent, request as send, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import {
  isNotModified,
  notModified,
  rateLimit,
  storedAnswers,
  type App,
  type StoredAnswersOptions,
} from '@portcullis/service-kit'
import { appWithRoutes } from './app.ts'

export const TAG = 'abc'
export const ORIGIN = 'https://app.example.com'

interface Ask {
  readonly method?: string
  readonly path?: string
  readonly headers?: OutgoingHttpHeaders
}

export interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface Setting extends Partial<StoredAnswersOptions> {
  readonly max?: number
  readonly body?: string
  /** Until then it is closing. */
  readonly closed?: Promise<void>
}

/** A service with one route whose answers are stored, and how often it was asked. */
export async function start(
  t: Test,
  { max = 1000, body = 'Grüße, 世界', trustProxy = false, isTraced = false, closed }: Setting = {},
) {
  const lines: string[] = []
  const state = { asked: 0, isCurrent: true, isClosing: false }
  const app = appWithRoutes({
    logger: { level: 'info', stream: { write: (line) => line.includes('"req":') && lines.push(line) } },
    trustProxy,
    corsOrigins: [ORIGIN],
  })
  app.register(rateLimit, {
    max,
    keyOf: ({ headers: { authorization } }) => {
      if (authorization === 'Bearer bad') throw new Error('a bad token')
      return authorization
    },
  })
  app.register(storedAnswers, { trustProxy, isTraced })
  app.register(async (scope) => {
    scope.addHook('preClose', async () => {
      state.isClosing = true
      await closed
    })
    scope.get('/kept/:id', async (request, reply) => {
      state.asked += 1
      reply.header('cache-control', 'no-cache')
      const isKnown = isNotModified(request, reply, TAG)
      scope.storeAnswer(request, reply, {
        body: isKnown ? undefined : body,
        isCurrent: () => state.isCurrent,
      })
      return isKnown ? notModified(reply) : reply.send(body)
    })
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(async () => {
    agent.destroy()
    await app.close()
  })
  const ask = async ({ method = 'GET', path = '/kept/1', headers = {} }: Ask = {}): Promise<Answer> => {
    const sent = send({ agent, port: portOf(app), method, path, headers })
    sent.end(headers['content-length'] === '5' ? 'hello' : undefined)
    const [response] = await once(sent, 'response')
    return { status: response.statusCode, headers: response.headers, body: await text(response) }
  }
  return { app, ask, state, lines, linesOf: () => lines.map((line): unknown => JSON.parse(line)) }
}

export function portOf({ server }: App): number {
  const address: AddressInfo | string | null = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
