import type { IncomingHttpHeaders } from 'node:http'

/** Methods whose requests keep their body; it is left out of others. */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Headers that tell a service who calls: only a gateway may set them, in no spelling. */
const FORGED = /^(?:x[-_]user[-_].*|x[-_]session[-_]id|x[-_]forwarded[-_].*|x[-_]real[-_]ip|forwarded)$/

interface Incoming {
  readonly method: string
  readonly socket: { readonly remoteAddress?: string | undefined }
  readonly headers: IncomingHttpHeaders
  readonly contentType?: string | undefined
}

/** The headers of a client's request as the service gets them. */
export function rewriteRequestHeaders(request: Incoming, headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !FORGED.test(name)))
  // They hold between the client and us alone (RFC 9110 section 7.6.1), and undici refuses them.
  for (const name of ['connection', 'expect', 'keep-alive', 'upgrade']) delete kept[name]
  delete kept['content-type']
  const hasBody = WITH_BODY.has(request.method)
  if (!hasBody) delete kept['content-length']
  return {
    ...kept,
    ...(hasBody && request.contentType !== undefined && { 'content-type': request.contentType }),
    'x-forwarded-for': request.socket.remoteAddress ?? '',
    'x-forwarded-proto': 'http',
    ...(request.headers.host !== undefined && { 'x-forwarded-host': request.headers.host }),
  }
}

/** The headers of an answer as the client gets them: how long a service keeps its connection to us is not for the client. */
export function rewriteHeaders({
  connection: _connection,
  'keep-alive': _keepAlive,
  ...kept
}: IncomingHttpHeaders): IncomingHttpHeaders {
  return kept
}
