/** An ack goes out four times a second, and beats come ten times: a mark is back in less than one. */
const PATIENCE_MS = 5000
/** What was before a longer pause between two beats says nothing: the process may have slept. */
const PAUSE_MS = 1000

/** Notices that the log's writer passes this verifier over: beats come, but none with a mark of its own. */
export class Admission {
  #heardAt = -Infinity
  #since = -Infinity

  /** Hears a beat, at `now` in ms. @returns true once for each five seconds of beats without a mark */
  isRefused(hasMark: boolean, now: number): boolean {
    if (hasMark || now - this.#heardAt > PAUSE_MS) this.#since = now
    this.#heardAt = now
    if (now - this.#since < PATIENCE_MS) return false
    this.#since = now
    return true
  }
}
