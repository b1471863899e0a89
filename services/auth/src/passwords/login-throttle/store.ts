import type { ThrottleState } from './decide.ts'

/** Who tries to enter which account, in a form that tells neither name nor email. */
export interface AttemptKey {
  readonly account: string
  readonly address: string
}

/** An attempt that has been noted as under way. */
export interface Attempt extends AttemptKey {
  /** Unique among all attempts. */
  readonly id: string
  /** As which address it came. */
  readonly isKnownAddress: boolean
}

/** `undecided`: it was refused, or tells nothing of whether somebody knows the password. It does not count. */
export type AttemptResult = 'succeeded' | 'failed' | 'undecided'

/** An attempt that is under way for longer was lost with its instance. */
export const ATTEMPT_LIFE_MS = 15_000

/** Where failures are counted. */
export interface ThrottleStore {
  /** Notes that an attempt is under way, and tells what is known with it among the others. */
  begin(key: AttemptKey, id: string, now: number): Promise<ThrottleState>
  /** A success resets the pair and makes the address known; a failure from a known one is not the account's. */
  end(attempt: Attempt, result: AttemptResult, now: number): Promise<void>
}
