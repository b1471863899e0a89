/** An end that needs no stack: the message says in plain words what is wrong and what to do. */
export class StopError extends Error {
  override readonly name = 'StopError'
}

/** What to show of an error. */
export function messageOf(error: unknown): string {
  if (error instanceof StopError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
