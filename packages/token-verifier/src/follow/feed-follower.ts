import { setTimeout as sleep } from 'node:timers/promises'
import { FeedSchema, formatPosition, type Feed } from '@portcullis/schemas'
import { Compile } from 'typebox/schema'
import type { Clock } from '../clock.ts'
import { baseUrl, fetchJson, RefusedError, type Fetch } from '../fetch-json.ts'
import type { Member } from '../replica/member.ts'
import type { LogReader } from '../replica/reader.ts'
import type { Replica } from '../replica/replica.ts'
import { backoffMs } from './backoff.ts'
import { ClientToken } from './client-token.ts'
import { FRONT } from './entries.ts'
import { reportApplied, type Observer } from './observer.ts'

/** The issuer holds an answer for up to 500 ms. */
const TIMEOUT_MS = 1500
const FAREWELL_MS = 500
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 500
/** Where the issuer refuses, more questions would use up what its limits leave to everybody at this address. */
const LONGEST_RETRY_REFUSED_MS = 10_000
/** Between two questions, when the answers come at once and bring nothing. */
const PAUSE_MS = 20
/** Before all is read again: what is wrong with the log may take a while to mend. */
const RELOAD_PAUSE_MS = 200

const feed = Compile(FeedSchema)

export interface FeedOptions {
  /** Base URL of the issuer's token endpoint and feed. */
  authUrl: string
  clientSecret: string
  fetch?: Fetch | undefined
}

export interface FeedFollowerOptions extends FeedOptions {
  clientId: string
  member: Member
  replica: Replica
  clock: Clock
  observer: Observer
}

/**
 * Follows the log over HTTP: each question is an ack and carries a mark, each answer brings it back, and so the
 * replica's age counts from the sending of the question.
 */
export class FeedFollower {
  readonly #options: FeedFollowerOptions
  readonly #reader: LogReader
  readonly #token: ClientToken
  #stopping = new AbortController()
  #running: Promise<void> | undefined
  #after = FRONT

  constructor(options: FeedFollowerOptions) {
    this.#options = options
    this.#reader = options.replica.reader()
    this.#token = new ClientToken(options)
  }

  get running(): boolean {
    return this.#running !== undefined
  }

  start(): void {
    if (this.#running) return
    this.#stopping = new AbortController()
    this.#running = this.#run(this.#stopping.signal)
  }

  /** Ends the questions without a farewell: another path has taken over. */
  async pause(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    this.#running = undefined
  }

  /** Ends, and tells the log's writer if it can be reached. */
  async stop(): Promise<boolean> {
    await this.pause()
    this.#options.member.leave()
    try {
      await this.#ask(AbortSignal.timeout(FAREWELL_MS))
      return true
    } catch {
      return false
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    let attempts = 0
    while (!signal.aborted) {
      let wait = 0
      try {
        const asked = performance.now()
        const pause = this.#take(await this.#ask(signal))
        attempts = 0
        wait = Math.max(0, pause - (performance.now() - asked))
      } catch (error) {
        if (!signal.aborted) this.#options.observer.disconnected?.('feed', error)
        wait = pauseAfter(error, attempts++)
      }
      await sleep(wait, undefined, { signal }).catch(() => undefined)
    }
  }

  async #ask(signal: AbortSignal): Promise<Feed> {
    const { authUrl, member, fetch } = this.#options
    const token = await this.#token.get(signal)
    const { max_age, ...ack } = member.ack()
    const query = new URLSearchParams({
      after: this.#after,
      verifier: member.name,
      ...ack,
      max_age: `${max_age}`,
    })
    const { status, headers, body } = await fetchJson(
      `${baseUrl(authUrl)}/api/v1/revocations?${query.toString()}`,
      {
        headers: { Authorization: `Bearer ${token}` },
        timeoutMs: TIMEOUT_MS,
        signal,
        fetch,
      },
    )
    if (status === 401) this.#token.forget()
    if (status >= 400 && status < 500) throw new RefusedError(`the feed answered with ${status}`, headers)
    if (status !== 200 || !feed.Check(body)) throw new Error(`the feed answered with ${status}`)
    return body
  }

  /** @returns how long to wait before the next question, in ms, counted from this one. */
  #take(answer: Feed): number {
    const { member, replica, observer, clock } = this.#options
    const before = replica.position
    const whole = this.#reader.apply(answer.events)
    reportApplied(observer, answer.events, before, clock)
    const last = answer.events.at(-1)
    if (last) this.#after = formatPosition(last)
    if (answer.more && whole && last) return 0
    const { outcome, urgent } = member.hear(this.#reader, answer, answer.mark ?? undefined)
    if (!whole || outcome === 'behind') {
      this.#readAllAgain()
      return RELOAD_PAUSE_MS
    }
    return urgent || last ? 0 : PAUSE_MS
  }

  #readAllAgain(): void {
    this.#after = FRONT
    this.#reader.reload()
    this.#options.observer.reloading?.('feed')
  }
}

function pauseAfter(error: unknown, attempt: number): number {
  if (!(error instanceof RefusedError)) return backoffMs(attempt, FIRST_RETRY_MS, LONGEST_RETRY_MS)
  return Math.max(error.retryAfterMs, backoffMs(attempt, FIRST_RETRY_MS, LONGEST_RETRY_REFUSED_MS))
}
