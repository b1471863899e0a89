import { setTimeout as sleep } from 'node:timers/promises'
import { percentile } from '../dev/statistics.ts'
import { logout, type AuthUrl } from './users.ts'
import type { Verifier } from './verifier.ts'

const REPAIR_PATIENCE_MS = 45_000
/** Tokens judged in one question: few enough that a verifier goes on following the log meanwhile. */
const BATCH = 50

/** What a fault has shown. */
export interface Finding {
  readonly revocations: number
  /** Tokens that a verifier took for good after it had been said that none does, or that came back to life. */
  readonly accepted: number
  /** Until every verifier serves again and knows everything; undefined where nothing was broken. */
  readonly repairedMs?: number | undefined
  /** False if that did not happen in time. */
  readonly isRepaired: boolean
  /** For people. */
  readonly note?: string
}

/** Those who are asked. */
export interface Asked {
  readonly verifiers: readonly Pick<Verifier, 'accepted' | 'ask'>[]
  auth(index: number): AuthUrl
}

/** Whether a dead token was accepted, or something stayed broken. How long a repair took is no fault. */
export function isWrong({ accepted, isRepaired }: Finding): boolean {
  return accepted > 0 || !isRepaired
}

/** Revokes tokens, and counts who takes them for good afterwards. */
export class Tally {
  readonly #stage: Asked
  readonly #patienceMs: number
  /** Tokens that are dead by an answer, or by now. */
  readonly #dead: string[] = []
  /** Tokens whose end was not confirmed: 202, 503, or no answer. */
  readonly #open: string[] = []
  readonly #looking = new Set<Promise<void>>()
  /** Milliseconds from the sending of a logout to its 200. */
  readonly waits: number[] = []
  readonly statuses = new Map<number, number>()
  revocations = 0
  accepted = 0

  /** @param patienceMs for what a fault has broken to be whole again */
  constructor(stage: Asked, patienceMs = REPAIR_PATIENCE_MS) {
    this.#stage = stage
    this.#patienceMs = patienceMs
  }

  /** Logs out; after a 200 every verifier is asked at once. A frozen one may answer when it goes on. */
  async logout(auth: AuthUrl, token: string): Promise<number> {
    const began = performance.now()
    const { status } = await logout(auth, token)
    if (status === 200) this.waits.push(performance.now() - began)
    await this.revoked(status, token)
    return status
  }

  /** Counts a revocation that was answered so. */
  async revoked(status: number, token: string): Promise<void> {
    this.revocations++
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
    if (status !== 200) {
      this.#open.push(token)
      return
    }
    this.#dead.push(token)
    const looks = this.#stage.verifiers.map(async (verifier) => {
      this.accepted += (await verifier.accepted([token])).length
    })
    for (const look of looks) {
      this.#looking.add(look)
      void look.finally(() => this.#looking.delete(look))
    }
    await Promise.race([Promise.all(looks), sleep(300)])
  }

  /**
   * Waits until every verifier serves, and every token is dead everywhere. What was not answered is asked for again
   * first, as a client would do.
   */
  async settle(): Promise<Finding> {
    const began = performance.now()
    for (const token of this.#open.splice(0)) {
      await this.#insist(token)
      this.#dead.push(token)
    }
    const deadline = began + this.#patienceMs
    let alive = await this.#alive()
    let isRepaired = alive === 0 && (await this.#areReady())
    while (!isRepaired && performance.now() < deadline) {
      await sleep(20)
      alive = await this.#alive()
      isRepaired = alive === 0 && (await this.#areReady())
    }
    const repairedMs = performance.now() - began
    await Promise.all(this.#looking)
    return {
      revocations: this.revocations,
      accepted: this.accepted + alive,
      repairedMs,
      isRepaired,
    }
  }

  /** Statuses other than 200, for a note. */
  get others(): string {
    return [...this.statuses]
      .filter(([status]) => status !== 200)
      .map(([status, count]) => `${count} × ${status || 'no answer'}`)
      .join(', ')
  }

  async #insist(token: string): Promise<void> {
    for (let i = 0; i < 100; i++) {
      const { status } = await logout(this.#stage.auth(i), token)
      // 401: not even auth takes it any more.
      if (status === 200 || status === 202 || status === 401) return
      await sleep(100)
    }
    throw new Error('a logout was never answered')
  }

  async #areReady(): Promise<boolean> {
    const answers = await Promise.all(this.#stage.verifiers.map((verifier) => verifier.ask()))
    return answers.every((answer) => answer?.ready === true)
  }

  /** How many tokens that should be dead are taken for good by somebody. */
  async #alive(): Promise<number> {
    const counts = await Promise.all(
      this.#stage.verifiers.map(async (verifier) => {
        let count = 0
        for (let at = 0; at < this.#dead.length; at += BATCH)
          count += (await verifier.accepted(this.#dead.slice(at, at + BATCH))).length
        return count
      }),
    )
    return counts.reduce((sum, count) => sum + count, 0)
  }
}

/** Such as `p50 3.1, p99 12.0 ms`: the median, and what one in a hundred exceeds. */
export function quantiles(values: readonly number[]): string {
  return `p50 ${percentile(values, 0.5).toFixed(1)}, p99 ${percentile(values, 0.99).toFixed(1)} ms`
}
