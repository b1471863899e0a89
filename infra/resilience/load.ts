import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { send, type RequestOptions, type Result } from './request.ts'

/** Whether the request did what it should have, as far as its status tells. */
export function isRight({ status, request }: Result): boolean {
  // 202: done, and a verifier that was ended has not said so. It is not asked any more once it is forgotten.
  return (status >= 200 && status < 300) || (request === 'POST /refresh' && status === 409)
}

/** How often each of them was, for people. */
export function describe(results: readonly Result[]): string[] {
  const why = (reason: string) => /"code":"(\w+)"/.exec(reason)?.[1] ?? reason.slice(0, 200)
  const kinds = Map.groupBy(results, (one) => `${one.request} ${one.status} ${why(one.reason)}`)
  return [...kinds].slice(0, 12).map(([kind, of]) => `${of.length} × ${kind}`)
}

const PASSWORD = 'the load of many feet'
const USERS = 20

const Pair = Compile(Type.Object({ access_token: Type.String(), refresh_token: Type.String() }))
const Created = Compile(Type.Object({ id: Type.String() }))

interface User {
  readonly username: string
  access: string
  refresh: string
  isRefreshing: boolean
  /** The answer of a refresh did not come: whether the token has been used is not known. */
  isUncertain: boolean
}

/** Users who do what users do, so many requests a second, whatever the answers are. */
export class Load {
  readonly #origin: string
  readonly #perSecond: number
  readonly #users: User[] = []
  readonly #underWay = new Set<Promise<void>>()
  #isStopped = true
  #count = 0
  #running: Promise<void> | undefined
  readonly results: Result[] = []
  /** Ids of tasks whose making was acknowledged, by the access token of their owner's first session. */
  readonly acknowledged: { readonly id: string; readonly user: User }[] = []
  /** Access tokens whose logout was acknowledged. */
  readonly loggedOut: string[] = []
  /** What was answered as if a revocation that was acknowledged had never been. */
  readonly violations: string[] = []

  constructor(origin: string, perSecond: number) {
    this.#origin = origin
    this.#perSecond = perSecond
  }

  /** Makes the users. */
  async prepare(): Promise<void> {
    for (let i = 0; i < USERS; i++) {
      const username = `load-${randomBytes(8).toString('hex')}`
      await this.#send('POST', '/signup', { body: { username, password: PASSWORD } })
      const pair = await this.#login(username)
      if (pair === undefined) throw new Error('the users of the load cannot log in')
      this.#users.push({ username, ...pair, isRefreshing: false, isUncertain: false })
    }
    this.results.length = 0
  }

  start(): void {
    this.#isStopped = false
    this.#running = this.#run()
  }

  /** No request begins any more; resolves when all have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
    await Promise.allSettled(this.#underWay)
  }

  async #run(): Promise<void> {
    const began = performance.now()
    let sent = 0
    while (!this.#isStopped) {
      const due = ((performance.now() - began) / 1000) * this.#perSecond
      for (; sent < due; sent++) {
        const request = this.#one(this.#count++)
        this.#underWay.add(request)
        void request.finally(() => this.#underWay.delete(request))
      }
      await sleep(5)
    }
  }

  async #one(number: number): Promise<void> {
    const user = this.#users[number % USERS]
    if (!user) return
    const kind = Math.floor(number / USERS) % 20
    if (kind < 8) await this.#send('GET', '/posts?limit=5')
    else if (kind < 12) await this.#sendAs(user, 'GET', '/tasks?limit=5')
    else if (kind < 15) await this.#makeTask(user)
    else if (kind < 17) await this.#sendAs(user, 'GET', '/users/me')
    else if (kind < 18) await this.#comeAndGo(user)
    else await this.#refresh(user)
  }

  async #makeTask(user: User): Promise<void> {
    const body = { title: 'Carry this', description: 'to the other side' }
    const { status, answer } = await this.#sendAs(user, 'POST', '/tasks', body)
    if (status === 201 && Created.Check(answer)) this.acknowledged.push({ id: answer.id, user })
  }

  /** As a client does: an access token that is refused is exchanged. */
  async #sendAs(user: User, method: string, path: string, body?: object) {
    const sent = await this.#send(method, path, { token: user.access, ...(body !== undefined && { body }) })
    if (sent.status === 401) await this.#refresh(user)
    return sent
  }

  async #refresh(user: User): Promise<void> {
    if (user.isRefreshing) return
    user.isRefreshing = true
    const { status, answer, result } = await this.#send('POST', '/refresh', {
      body: { refresh_token: user.refresh },
    })
    if (Pair.Check(answer)) {
      Object.assign(user, { access: answer.access_token, refresh: answer.refresh_token, isUncertain: false })
    } else if (status === 401 && user.isUncertain) {
      // Used again too late after an answer that was lost, it has ended the session, as it should.
      this.#forget(result)
      await this.#beginAnew(user)
    } else user.isUncertain = true
    user.isRefreshing = false
  }

  async #beginAnew(user: User): Promise<void> {
    const pair = await this.#login(user.username)
    if (pair) Object.assign(user, pair, { isUncertain: false })
  }

  async #comeAndGo(user: User): Promise<void> {
    const pair = await this.#login(user.username)
    if (pair === undefined) return
    const { status } = await this.#send('POST', '/logout', { token: pair.access })
    if (status !== 200) return
    this.loggedOut.push(pair.access)
    const after = await this.#send('GET', '/tasks?limit=1', { token: pair.access })
    this.#forget(after.result)
    if (after.status !== 401 && after.status !== 503) this.violations.push(`after a logout: ${after.status}`)
  }

  async #login(username: string): Promise<{ access: string; refresh: string } | undefined> {
    const { answer } = await this.#send('POST', '/login', { body: { username, password: PASSWORD } })
    return Pair.Check(answer) ? { access: answer.access_token, refresh: answer.refresh_token } : undefined
  }

  /** A request that is no part of the load. */
  #forget(result: Result): void {
    this.results.splice(this.results.indexOf(result), 1)
  }

  /** Whether what was acknowledged is there: names of what is not. */
  async missing(): Promise<string[]> {
    const missing = [...this.violations]
    // Their access tokens may be of an epoch that is over; their sessions are not.
    for (const user of this.#users) await this.#refresh(user)
    await this.#each(this.acknowledged, async ({ id, user }) => {
      const { status } = await this.#send('GET', `/tasks/${id}`, { token: user.access })
      if (status !== 200) missing.push(`task ${id}: ${status}`)
    })
    await this.#each(this.loggedOut, async (token) => {
      const { status } = await this.#send('GET', '/tasks', { token })
      if (status !== 401) missing.push(`logout: ${status}`)
    })
    return missing
  }

  /** As many at a time as there are users. */
  async #each<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
    for (let i = 0; i < all.length; i += USERS) await Promise.all(all.slice(i, i + USERS).map(act))
  }

  async #send(
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<{ status: number; answer: unknown; result: Result }> {
    const { result, answer } = await send(this.#origin, method, path, options)
    this.results.push(result)
    return { status: result.status, answer: result.status < 300 ? answer : undefined, result }
  }
}
