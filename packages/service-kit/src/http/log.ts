/** Where a service logs: pino, or whatever has these methods. Whoever needs fewer takes a `Pick` of it. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
