/**
 * A clock that stands still until it is told to move: both of its hands, the one of the wall and the one that
 * never goes back.
 */
export class FakeClock {
  #wall: number
  #monotonic = 0

  constructor(now: number | Date = Date.now()) {
    this.#wall = Number(now)
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#wall
  }

  /** Milliseconds since this clock was made. */
  monotonic(): number {
    return this.#monotonic
  }

  /** Time passes. */
  advance(ms: number): void {
    this.#wall += ms
    this.#monotonic += ms
  }

  /** Somebody sets the clock on the wall; no time passes. */
  set(now: number | Date): void {
    this.#wall = Number(now)
  }
}
