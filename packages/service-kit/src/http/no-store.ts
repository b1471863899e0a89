import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'

/** An `onSend` hook: no cache keeps what does not say itself that it may be kept. */
export function noStore(
  _request: FastifyRequest,
  reply: FastifyReply,
  _payload: unknown,
  done: HookHandlerDoneFunction,
): void {
  if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  done()
}
