import { setTimeout as sleep } from 'node:timers/promises'
import { request, type IncomingMessage } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export interface Question {
  readonly method?: string
  readonly token?: string | undefined
  /** In this spelling and order; a name may come twice. */
  readonly headers?: readonly (readonly [string, string])[]
}

const ATTEMPTS = 5

/**
 * The answer once there is one: on a machine that is busy with other things whoever is asked may not know for a
 * moment, and says so by 503.
 */
export async function ask(base: string, path: string, question: Question = {}): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await askOnce(base, path, question)
    if (answer.status !== 503 || attempt === ATTEMPTS) return answer
    await sleep(300)
  }
}

/**
 * One request. Unlike `fetch` it sends path and headers as they are written.
 *
 * @param base such as `http://127.0.0.1:8080`
 */
export async function askOnce(
  base: string,
  path: string,
  { method = 'GET', token, headers = [] }: Question = {},
): Promise<Answer> {
  const { host, hostname, port } = new URL(base)
  const bearer = token === undefined ? [] : ['Authorization', `Bearer ${token}`]
  const length = method === 'GET' ? [] : ['Content-Length', '0']
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  request({
    hostname,
    port,
    method,
    path,
    headers: ['Host', host, ...length, ...bearer, ...headers.flat()],
    timeout: 10_000,
    agent: false,
  })
    .on('response', resolve)
    .on('error', reject)
    .end()
  const response = await promise
  response.setEncoding('utf8')
  let text = ''
  for await (const chunk of response) text += String(chunk)
  const pairs = Object.entries(response.headers).map(([name, value]): [string, string] => [
    name,
    [value ?? []].flat().join(', '),
  ])
  return { status: response.statusCode ?? 0, headers: new Headers(pairs), text }
}
