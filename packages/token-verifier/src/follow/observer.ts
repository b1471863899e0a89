import type { RevocationEvent, VerifierState } from '@portcullis/schemas'

export type Carrier = 'redis' | 'feed'

/** For metrics and logs; every callback is optional, and none may throw. */
export interface Observer {
  /** An event has been applied for the first time, so many milliseconds after it was written (clocks may differ). */
  applied?(event: RevocationEvent, latencyMs: number): void
  /** A connection was given up; the next one is tried at once. */
  disconnected?(carrier: Carrier, error: unknown): void
  /** The log has to be read again from its front. */
  reloading?(carrier: Carrier): void
  /** Joining, live or leaving. */
  state?(state: VerifierState): void
  /** The carrier that is followed from now on. */
  carrier?(carrier: Carrier): void
  /** The issuer's keys could not be fetched. */
  keysFailed?(error: unknown): void
}
