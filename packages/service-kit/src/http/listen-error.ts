/** An address that a service was told to listen on cannot be had. The message names the settings, and needs no stack. */
export class ListenError extends Error {
  override readonly name = 'ListenError'

  /** @param settings where the address comes from, such as `HOST and PORT` */
  constructor(settings: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`the address of ${settings} cannot be listened on: ${reason}`, { cause })
  }
}

/** Whether an error says that this host cannot be listened on; a name that is not found may be that of a store, too. */
export function isOfListening(error: unknown, host: string): boolean {
  if (!(error instanceof Error) || !('syscall' in error)) return false
  if (error.syscall === 'listen') return true
  return error.syscall === 'getaddrinfo' && 'hostname' in error && error.hostname === host
}
