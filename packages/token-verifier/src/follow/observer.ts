import type { Position, RevocationEvent, VerifierState } from '@portcullis/schemas'
import type { Clock } from '../clock.ts'

export type Carrier = 'redis' | 'feed'

/** For metrics and logs; every callback is optional, and none may throw. */
export interface Observer {
  /** An event has been applied for the first time, so many milliseconds after it was written (clocks may differ). */
  applied?(event: RevocationEvent, latencyMs: number): void
  /** A connection was given up, and why; the next one is tried at once. */
  disconnected?(carrier: Carrier, error: unknown): void
  /** Redis has carried the log for five seconds without a mark of ours: the issuer does not admit this client's verifier. */
  unadmitted?(clientId: string): void
  /** The log has to be read again from its front. */
  reloading?(carrier: Carrier): void
  /** Joining, live or leaving. */
  state?(state: VerifierState): void
  /** The carrier that is followed from now on. */
  carrier?(carrier: Carrier): void
  /** The issuer's keys could not be fetched, or a source of keys of the application's has failed. */
  keysFailed?(error: unknown): void
}

/** Tells of the events that lie after `before`, up to where the replica was. */
export function reportApplied(
  observer: Observer,
  events: readonly RevocationEvent[],
  before: Position,
  clock: Clock,
): void {
  // What is read at the start is history, and says nothing about how fast news arrives.
  if (!observer.applied || before.epoch === 0) return
  for (const event of events)
    if (event.epoch > before.epoch || event.seq > before.seq) observer.applied(event, clock.now() - event.at)
}
