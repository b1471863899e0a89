/**
 * The same failure without the command that met it, which ioredis hangs on its errors: that of AUTH holds a password,
 * and whoever logs the error would log it too. What a node of a Cluster said becomes the cause.
 */
export function withoutCommand(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  const cause = 'lastNodeError' in error ? error.lastNodeError : error.cause
  const told = new Error(error.message, cause === undefined ? {} : { cause: withoutCommand(cause) })
  return 'code' in error ? Object.assign(told, { code: error.code }) : told
}
