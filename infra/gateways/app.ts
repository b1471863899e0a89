import { createServer } from 'node:http'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'

const SeenSchema = Type.Object({
  path: Type.String(),
  /** Names in lower case, in the order in which they came. */
  headers: Type.Array(Type.Tuple([Type.String(), Type.String()])),
})
/** What the stand-in saw of a request. */
export type Seen = Static<typeof SeenSchema>

const seen = Compile(SeenSchema)

/** Reads an answer of the stand-in; undefined if it is none. */
export function readSeen(text: string): Seen | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return seen.Check(value) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * Stands in for a service that has no verifier and believes what the gateway tells it: answers with what it was
 * asked. What comes through to it is what the gateway has let in.
 */
export async function startApp(port: number): Promise<{ close(): void }> {
  const server = createServer((request, response) => {
    request.resume()
    const names = request.rawHeaders.filter((_, index) => index % 2 === 0)
    const headers = names.map((name, index): [string, string] => [
      name.toLowerCase(),
      request.rawHeaders[2 * index + 1] ?? '',
    ])
    const body: Seen = { path: request.url ?? '', headers }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, '127.0.0.1', resolve)
  await promise
  return {
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
