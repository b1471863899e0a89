import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import type {} from '@fastify/postgres'
import { once } from 'node:events'
import { Server, type Socket } from 'node:net'
import closeWithGrace from 'close-with-grace'
import { warmPool } from '../stores/warm.ts'
import type { App } from './app.ts'
import { ListenError, isOfListening } from './listen-error.ts'

export interface ServeOptions {
  readonly host: string
  readonly port: number
  /** Where the app serves its metrics: its host is told apart from those of the stores if there is no such host. */
  readonly metricsHost: string
  /** How long to go on answering, with readiness failing, before the listener closes. */
  readonly drainSeconds?: number
}

/** Open connections have so long to be used once more, in milliseconds, when there is a drain at all. */
const LINGER_MS = 2000
/** What is not ready after so long, in milliseconds, listens and says so. */
const READY_PATIENCE_MS = 1000
/** Requests in flight have so long to finish, in milliseconds. */
const CLOSE_TIMEOUT_MS = 10_000

/**
 * Listens, and on SIGTERM or SIGINT stops in order: readiness fails, the drain waits, the listener closes,
 * requests in flight finish, plugins close, exit 0. A second signal, or an error nobody caught, ends it with exit 1.
 *
 * @returns the address that the service listens on.
 * @throws {ListenError} if it cannot be listened on, or that of the metrics
 */
export async function serve(
  app: App,
  { host, port, metricsHost, drainSeconds = 0 }: ServeOptions,
): Promise<string> {
  let isLeaving = false
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isLeaving) reply.header('connection', 'close')
    done()
  })
  closeWithGrace(
    { delay: CLOSE_TIMEOUT_MS + LINGER_MS + drainSeconds * 1000, logger: false },
    async ({ signal, err: error }) => {
      if (error) app.log.fatal({ err: error }, 'stopping after an error')
      else app.log.info({ signal }, 'stopping')
      app.health.drain()
      if (!error && drainSeconds > 0) {
        await sleep(drainSeconds * 1000)
        isLeaving = true
        await stopListening(app.server)
        // Connections that are kept open end with the next answer on them, and not under a request on its way.
        await Promise.race([once(app.server, 'close'), sleep(LINGER_MS)])
      }
      await app.close()
    },
  )
  try {
    await app.ready()
  } catch (error) {
    throw isOfListening(error, metricsHost) ? new ListenError('METRICS_HOST and METRICS_PORT', error) : error
  }
  if (app.hasDecorator('pg')) await warmPool(app.pg.pool)
  // Proxies that ask for nobody's health send requests to whoever listens.
  await app.health.untilReady(READY_PATIENCE_MS)
  try {
    return await app.listen({ host, port })
  } catch (error) {
    throw isOfListening(error, host) ? new ListenError('HOST and PORT', error) : error
  }
}

/** A turn of the event loop that is longer has had work, and connections may have come meanwhile; in milliseconds. */
const QUIET_TURN_MS = 1
/** After so long the listener closes in any case: it is never quiet where there is too much work; in milliseconds. */
const QUIET_PATIENCE_MS = 1000

/**
 * Closes the listener and no connection. The system resets connections that nobody has accepted yet, and one is
 * accepted in a turn of the event loop, so this waits for a short turn that has brought none. What comes meanwhile is served
 * afterwards: clients that open a connection for each request would come again with every answer.
 */
export async function stopListening(server: Server): Promise<void> {
  const handlers = server.rawListeners('connection')
  const held: Socket[] = []
  const hold = (socket: Socket) => {
    // Nobody else looks at it yet who would notice that its client has gone.
    socket.on('error', () => socket.destroy())
    held.push(socket)
  }
  server.removeAllListeners('connection').on('connection', hold)
  const patience = performance.now() + QUIET_PATIENCE_MS
  for (let isQuiet = false; !isQuiet && performance.now() < patience;) {
    const [before, began] = [held.length, performance.now()]
    await turn()
    isQuiet = held.length === before && performance.now() - began < QUIET_TURN_MS
  }
  // That of http.Server would also end the connections that wait for a request.
  Server.prototype.close.call(server)
  server.off('connection', hold)
  for (const handler of handlers) server.on('connection', (...args) => Reflect.apply(handler, server, args))
  for (const socket of held) if (!socket.destroyed) server.emit('connection', socket)
}
