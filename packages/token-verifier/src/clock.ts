/** Where time comes from. Both are milliseconds; the monotonic one never goes back and counts from anywhere. */
export interface Clock {
  now(): number
  monotonic(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

/** A moment on both clocks. */
export interface Instant {
  readonly wall: number
  readonly monotonic: number
}

export function instant(clock: Clock): Instant {
  return { wall: clock.now(), monotonic: clock.monotonic() }
}

/**
 * Milliseconds since then, from whichever clock says more: the wall clock can be set back, and the monotonic
 * one stands still while a machine sleeps.
 */
export function elapsed(clock: Clock, since: Instant): number {
  return Math.max(clock.monotonic() - since.monotonic, clock.now() - since.wall)
}
