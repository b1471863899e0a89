/**
 * Whether a password may be tried, as a decision about values. Failures are counted by account and address, which
 * is what slows a guesser down, and by account alone, which slows many guessers together. The second wall is low,
 * and not there for addresses from which the account has lately been entered, so that nobody is locked out by
 * somebody else.
 */

/** Failures with one account, from one address or from all. Times are milliseconds since 1970. */
export interface Failures {
  readonly count: number
  /** When the newest was. */
  readonly lastAt: number
  /** Attempts whose outcome is not known yet, the one that is decided about among them. */
  readonly underWay: number
}

export interface ThrottleState {
  readonly pair: Failures
  readonly account: Failures
  /** Whether the account has lately been entered from this address. */
  readonly isKnownAddress: boolean
}

export type Verdict = { readonly isAllowed: true } | { readonly isAllowed: false; readonly waitMs: number }

interface Wall {
  /** As many failures cost nothing; the next one costs a wait of a second, and each further one twice as much. */
  readonly free: number
  readonly maxWaitMs: number
  /** After so long without a failure it is as if there had been none. */
  readonly forgetMs: number
}

export const PAIR_WALL: Wall = { free: 10, maxWaitMs: 15 * 60_000, forgetMs: 24 * 3_600_000 }
export const ACCOUNT_WALL: Wall = { free: 20, maxWaitMs: 5000, forgetMs: 3_600_000 }
/** How long an address is known after the account was entered from it. */
export const KNOWN_MS = 30 * 24 * 3_600_000
/** How many attempts may be under way from a known address, as long as none fails. */
export const KNOWN_UNDER_WAY = 100
/** Whoever is refused because of attempts that are under way may come again when they have ended. */
const UNDER_WAY_WAIT_MS = 1000

/** @param now milliseconds since 1970 */
export function decideAttempt({ pair, account, isKnownAddress }: ThrottleState, now: number): Verdict {
  const waitMs = Math.max(
    waitOf(PAIR_WALL, pair, now, isKnownAddress ? KNOWN_UNDER_WAY : PAIR_WALL.free),
    isKnownAddress ? 0 : waitOf(ACCOUNT_WALL, account, now, ACCOUNT_WALL.free),
  )
  return waitMs === 0 ? { isAllowed: true } : { isAllowed: false, waitMs }
}

/** @param room how many attempts may be under way as long as none has failed */
function waitOf(wall: Wall, failures: Failures, now: number, room: number): number {
  const sinceMs = now - failures.lastAt
  const count = sinceMs >= wall.forgetMs ? 0 : failures.count
  const delayMs = count < wall.free ? 0 : Math.min(1000 * 2 ** (count - wall.free), wall.maxWaitMs)
  // Instances whose clocks differ never make anybody wait for longer than the wall is high.
  const leftMs = Math.min(delayMs - sinceMs, delayMs)
  if (leftMs > 0) return leftMs
  // Attempts that begin before others have ended count as if these had failed, so that guessing in parallel
  // gives no more guesses than guessing in turn.
  const allowed = count === 0 ? room : Math.max(wall.free - count, 1)
  return failures.underWay > allowed ? UNDER_WAY_WAIT_MS : 0
}
