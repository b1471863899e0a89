import { Changes } from './changes.ts'
import { problemOf, type Problem } from './problems.ts'
import { areOfOneSession, areSame, subjectOf, tokensOf, type Tokens, type TokenStorage } from './tokens.ts'

/** What has become of the session. `elsewhere`: in another tab, or whatever else shares the storage. */
export type SessionEvent =
  | { readonly type: 'signed-in' | 'refreshed'; readonly elsewhere: boolean }
  | {
      readonly type: 'signed-out'
      readonly elsewhere: boolean
      /** Why auth did not refresh the session, unless it was ended on purpose. */
      readonly problem?: Problem
    }

/** What an application may know of the session, and do with it. */
export interface SessionView {
  /** Whether there are tokens; whether they are good is known when they are used. */
  isSignedIn(): Promise<boolean>
  /** The access token, for what is not asked through this client. It may have expired. */
  accessToken(): Promise<string | undefined>
  /** Calls back when the session begins, is refreshed or ends. Gives what stops that. */
  subscribe(listener: (event: SessionEvent) => void): () => void
  /** Drops the tokens here without ending the session: for when auth cannot be reached to log out. */
  forget(): Promise<void>
}

/** What came of asking for another token: one, the answer of auth that there is none now, or nobody is signed in. */
export type Renewal = { readonly token: string } | { readonly failure: Response } | undefined

/** Auth refreshes the session of these tokens no more. */
interface Refusal {
  readonly held: Tokens
  readonly problem: Problem
}

/** The tokens of a session, which are refreshed once however many ask for it. */
export class Session implements SessionView {
  readonly #storage: TokenStorage
  readonly #refresh: (refreshToken: string) => Promise<Response>
  readonly #listeners = new Set<(event: SessionEvent) => void>()
  readonly #unsubscribe: (() => void) | undefined
  readonly #changes: Changes
  #renewing: { readonly promise: Promise<Renewal>; readonly refused: string } | undefined

  /** @param refresh asks auth for the next pair. */
  constructor(storage: TokenStorage, refresh: (refreshToken: string) => Promise<Response>) {
    this.#storage = storage
    this.#refresh = refresh
    this.#changes = new Changes(storage)
    this.#unsubscribe = storage.subscribe?.((now, before) => {
      if (now === undefined) this.#tell({ type: 'signed-out', elsewhere: true })
      else this.#tell({ type: before === undefined ? 'signed-in' : 'refreshed', elsewhere: true })
    })
  }

  async isSignedIn(): Promise<boolean> {
    return (await this.#storage.read()) !== undefined
  }

  async accessToken(): Promise<string | undefined> {
    return (await this.#storage.read())?.access_token
  }

  subscribe(listener: (event: SessionEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async forget(): Promise<void> {
    await this.#end()
  }

  /** A session has begun. */
  async begin(tokens: Tokens): Promise<void> {
    await this.#storage.write(tokens)
    this.#tell({ type: 'signed-in', elsewhere: false })
  }

  /** The session has been given other tokens by a request that was sent with this one. */
  async replace(sent: string | undefined, tokens: Tokens): Promise<void> {
    if (!(await this.#isStillOf(sent))) return
    await this.#storage.write(tokens)
    this.#tell({ type: 'refreshed', elsewhere: false })
  }

  /** The session has been ended by a request that was sent with this token. */
  async finish(sent: string | undefined): Promise<void> {
    if (await this.#isStillOf(sent)) await this.#end()
  }

  /** Runs an operation that replaces the tokens or ends the session, and what the session takes in of its answer. */
  change<T>(work: () => Promise<T>): Promise<T> {
    return this.#changes.run(work)
  }

  /**
   * A token of the same user other than the one that was refused. Whoever asks while another call of theirs does is
   * given the same answer.
   */
  async renew(refused: string): Promise<Renewal> {
    const renewal = await this.#renewalFor(refused)
    // It was asked for by somebody whose token was older still.
    const isNoOther = renewal !== undefined && 'token' in renewal && renewal.token === refused
    return isNoOther ? this.#renewalFor(refused) : renewal
  }

  close(): void {
    this.#unsubscribe?.()
    this.#listeners.clear()
  }

  /** What is under way for another user is nobody else's; when it is over, who is logged in is looked at again. */
  async #renewalFor(refused: string): Promise<Renewal> {
    while (this.#renewing && subjectOf(this.#renewing.refused) !== subjectOf(refused))
      await this.#renewing.promise.catch(() => undefined)
    return this.#renewing?.promise ?? this.#begin(refused)
  }

  #begin(refused: string): Promise<Renewal> {
    const promise = this.#rotateOrEnd(refused).finally(() => (this.#renewing = undefined))
    this.#renewing = { promise, refused }
    return promise
  }

  async #rotateOrEnd(refused: string): Promise<Renewal> {
    const outcome = await this.#exclusively(() => this.#rotate(refused))
    if (outcome === undefined || !('problem' in outcome)) return outcome
    // What ended the session may be a change of ours whose answer is on its way, and brings other tokens; or of another
    // tab, which has been waiting for the storage since.
    await this.#changes.settled()
    return this.#exclusively(async () => {
      if (!(await this.#holds(outcome.held))) return this.#newest(refused)
      await this.#end(outcome.problem)
      return undefined
    })
  }

  async #rotate(refused: string): Promise<Renewal | Refusal> {
    const held = await this.#storage.read()
    // Never with the tokens of somebody else who has logged in meanwhile.
    if (held === undefined || subjectOf(held.access_token) !== subjectOf(refused)) return undefined
    if (held.access_token !== refused) return { token: held.access_token }

    const answer = await this.#refresh(held.refresh_token)
    const body: unknown = await answer
      .clone()
      .json()
      .catch(() => undefined)
    const tokens = answer.ok ? tokensOf(body) : undefined
    if (tokens !== undefined) {
      if (!(await this.#holds(held))) return this.#newest(refused)
      await this.#storage.write(tokens)
      this.#tell({ type: 'refreshed', elsewhere: false })
      return { token: tokens.access_token }
    }
    if (answer.status !== 400 && answer.status !== 401) return { failure: answer }
    return { held, problem: problemOf(body, answer) }
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#storage.exclusively?.(work) ?? work()
  }

  /** Not if it has been ended meanwhile, here or in another tab, or somebody has logged in since. */
  async #isStillOf(sent: string | undefined): Promise<boolean> {
    const held = await this.accessToken()
    return held !== undefined && sent !== undefined && areOfOneSession(held, sent)
  }

  async #holds(tokens: Tokens): Promise<boolean> {
    return areSame(await this.#storage.read(), tokens)
  }

  /** What has been stored while auth was asked: the tokens of a login or of another tab, or none. */
  async #newest(refused: string): Promise<Renewal> {
    const token = await this.accessToken()
    return token !== undefined && subjectOf(token) === subjectOf(refused) ? { token } : undefined
  }

  async #end(problem?: Problem): Promise<void> {
    if (!(await this.isSignedIn())) return
    await this.#storage.write(undefined)
    this.#tell({ type: 'signed-out', elsewhere: false, ...(problem && { problem }) })
  }

  #tell(event: SessionEvent): void {
    // What a listener throws is its own affair.
    for (const listener of this.#listeners) queueMicrotask(() => listener(event))
  }
}
