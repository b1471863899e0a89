/** An end that needs no stack: the message says in plain words what is wrong and what to do. */
export class StopError extends Error {
  override readonly name = 'StopError'
}

/** What to show of an error. */
export function messageOf(error: unknown): string {
  if (error instanceof StopError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Why something failed, in a line. Of a request that was not answered: what is behind the words `fetch failed`. */
export function reasonOf(error: unknown): string {
  // Of a name with several addresses, none of which answers.
  if (error instanceof AggregateError && error.message === '') return reasonOf(error.errors[0])
  if (error instanceof TypeError && error.cause instanceof Error) return reasonOf(error.cause)
  return error instanceof Error ? error.message || error.name : String(error)
}
