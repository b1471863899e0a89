import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Compile } from 'typebox/schema'
import { FeedQuerySchema, type FeedQuery } from '@portcullis/schemas'

const feedQuery = Compile(FeedQuerySchema)
const MAX_BODY = 8192

/** What the issuer answers with; everything but HTTP itself. */
export interface IssuerAnswers {
  /** The JWK Set. */
  jwks(): object
  /** RFC 6749 section 4.4; undefined if the client is not to have a token. */
  clientToken(clientId: string, secret: string): object | undefined
  /** Answer of `GET /api/v1/revocations`. */
  feed(query: FeedQuery, bearer: string | undefined, signal: AbortSignal): Promise<object | undefined>
}

/** The part of auth's HTTP interface that verifiers use. */
export function createIssuerServer(answers: IssuerAnswers): Server {
  return createServer((request, response) => {
    answer(request, response, answers).catch(() => send(response, 500, {}))
  })
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  answers: IssuerAnswers,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://issuer')
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /.well-known/jwks.json':
      return send(response, 200, answers.jwks(), {
        'Cache-Control': 'public, max-age=300, stale-while-revalidate=60',
      })
    case 'POST /oauth/token': {
      const token = answers.clientToken(...(await credentials(request)))
      return token ? send(response, 200, token) : send(response, 401, { error: 'invalid_client' })
    }
    case 'GET /api/v1/revocations':
      return feed(request, response, url, answers)
    default:
      return send(response, 404, {})
  }
}

async function feed(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  answers: IssuerAnswers,
): Promise<void> {
  const { max_age: maxAge, ...rest } = Object.fromEntries(url.searchParams)
  const query: unknown = maxAge === undefined ? rest : { ...rest, max_age: Number(maxAge) }
  if (!feedQuery.Check(query)) return send(response, 400, {})
  const hangup = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) hangup.abort()
  })
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
  const body = await answers.feed(query, bearer, hangup.signal)
  return body ? send(response, 200, body) : send(response, 401, {})
}

/** client_secret_basic or client_secret_post (RFC 6749 section 2.3.1). */
async function credentials(request: IncomingMessage): Promise<[string, string]> {
  let body = ''
  for await (const chunk of request) {
    body += String(chunk)
    if (body.length > MAX_BODY) throw new Error('the request is too large')
  }
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (basic !== undefined) {
    const [id = '', secret = ''] = Buffer.from(basic, 'base64').toString().split(':').map(decodeURIComponent)
    return [id, secret]
  }
  const form = new URLSearchParams(body)
  return [form.get('client_id') ?? '', form.get('client_secret') ?? '']
}

function send(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent) return
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}
