import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import { ConfigError } from '../config/load.ts'
import type { App } from './app.ts'

export interface ServeOptions {
  readonly host: string
  readonly port: number
  /** How long to go on answering, with readiness failing, before the listener closes. */
  readonly drainSeconds?: number
}

/** Of sysexits.h: the configuration is at fault, and starting again will not help. */
export const EXIT_CONFIG = 78
/** Requests in flight have so long to finish, in milliseconds. */
const CLOSE_TIMEOUT_MS = 10_000

/**
 * Listens, and on SIGTERM or SIGINT stops in order: readiness fails, the drain waits, requests in flight
 * finish, plugins close, exit 0. A second signal, or an error nobody caught, ends it with exit 1.
 *
 * @returns the address that the service listens on.
 */
export async function serve(app: App, { host, port, drainSeconds = 0 }: ServeOptions): Promise<string> {
  // Right after new connections were accepted, so that none is waiting for that when the listener closes.
  app.addHook('preClose', async () => {
    await turn()
  })
  closeWithGrace(
    { delay: CLOSE_TIMEOUT_MS + drainSeconds * 1000, logger: false },
    async ({ signal, err: error }) => {
      if (error) app.log.fatal({ err: error }, 'stopping after an error')
      else app.log.info({ signal }, 'stopping')
      app.health.drain()
      if (!error && drainSeconds > 0) await sleep(drainSeconds * 1000)
      await app.close()
    },
  )
  return app.listen({ host, port })
}

/**
 * Runs a program's main function. Settings that are wrong are written to standard error, one a line, with exit
 * code 78; any other error that comes out of it with exit code 1.
 */
export async function main(run: () => Promise<unknown>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (error instanceof ConfigError) {
      for (const message of error.errors) process.stderr.write(`configuration: ${message}\n`)
      process.exit(EXIT_CONFIG)
    }
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exit(1)
  }
}
