import { createServer } from 'node:net'
import { StopError } from './stop-error.ts'

/**
 * A port from the environment.
 *
 * @throws StopError naming the variable if it is no port number.
 */
export function portFrom(variable: string, fallback: number): number {
  const text = process.env[variable]
  if (text === undefined || text === '') return fallback
  const port = Number(text)
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port
  throw new StopError(`${variable}=${text} is not a port: choose a number from 1 to 65535`)
}

/** @throws StopError naming the port and the variable if something listens on it. */
export async function assertFree(port: number, variable: string): Promise<void> {
  if (await isFree(port)) return
  throw new StopError(`port ${port} is taken: free it, or choose another one by ${variable}`)
}

/** The port that is preferred if nothing listens on it, else a free one. */
export async function freePort(preferred = 0): Promise<number> {
  if (preferred !== 0 && (await isFree(preferred))) return preferred
  const port = await tryListening(0, '127.0.0.1')
  if (typeof port === 'number') return port
  throw new Error('the system gives no free port', { cause: port })
}

async function isFree(port: number): Promise<boolean> {
  const results = await Promise.all([tryListening(port, '127.0.0.1'), tryListening(port, '::1')])
  return !results.some((result) => result instanceof Error && isTaken(result))
}

/** A machine without IPv6 is no obstacle; a port below 1024 that needs root is. */
function isTaken(error: Error): boolean {
  const code = 'code' in error ? error.code : undefined
  return code === 'EADDRINUSE' || code === 'EACCES'
}

function tryListening(port: number, host: string): Promise<number | Error> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address()
      const chosen = address !== null && typeof address === 'object' ? address.port : port
      server.close(() => resolve(chosen))
    })
  })
}
