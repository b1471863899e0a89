import type { IncomingMessage } from 'node:http'
import proxyAddr from '@fastify/proxy-addr'

/**
 * Tells who sends a request that Fastify has not seen, as its `request.ip` would: undefined once the connection is lost.
 *
 * @param trustProxy as Fastify takes it
 */
export function remoteOf(trustProxy: boolean | string): (request: IncomingMessage) => string | undefined {
  if (trustProxy === false) return ({ socket }) => socket.remoteAddress
  const isTrusted =
    trustProxy === true ? () => true : proxyAddr.compile(trustProxy.split(',').map((part) => part.trim()))
  return (request) => proxyAddr.all(request, isTrusted).at(-1)
}
