import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { send, type RequestOptions, type Result } from './request.ts'

/** What another instance may lag behind, and the time that an answer takes on its way, in ms. */
const MAY_LAG_MS = 300
const WRITERS = 10
const READERS = 10
const WRITE_EVERY_MS = 200
const READ_EVERY_MS = 80
/** How many versions a thing has before it is deleted. */
const VERSIONS = 12

const Pair = Compile(Type.Object({ access_token: Type.String() }))
const ThingSchema = Type.Object({ id: Type.String(), title: Type.String() })
const Thing = Compile(ThingSchema)
const Things = Compile(Type.Object({ items: Type.Array(ThingSchema) }))

/** A post or a task whose title is the number of its version. One writer changes it, everybody may read it. */
interface Tracked {
  readonly kind: 'posts' | 'tasks'
  readonly id: string
  readonly token: string
  /** The newest version that was tried, whatever became of it; one more than the last for a deletion. */
  tried: number
  isDeletionTried: boolean
  /** When each version was acknowledged, by `performance.now()`. */
  readonly acknowledged: { readonly version: number; readonly at: number }[]
}

const GONE = Number.MAX_SAFE_INTEGER

/**
 * Writers who each make posts and tasks, change them and delete them again, and readers who look whether what they
 * are told is what was acknowledged.
 */
export class ContentLoad {
  readonly #origin: string
  readonly #tracked: Tracked[] = []
  #tokens: string[] = []
  #isStopped = false
  #running: Promise<unknown> | undefined
  readonly results: Result[] = []
  /** What contradicts an acknowledgement. */
  readonly wrong: string[] = []
  reads = 0
  writes = 0

  constructor(origin: string) {
    this.#origin = origin
  }

  async prepare(): Promise<void> {
    for (let i = 0; i < WRITERS; i++) {
      const body = {
        username: `writer-${randomBytes(8).toString('hex')}`,
        password: 'the words of many hands',
      }
      await this.#send('POST', '/signup', { body })
      const { answer } = await this.#send('POST', '/login', { body })
      this.#tokens.push(Pair.Parse(answer).access_token)
    }
    this.results.length = 0
  }

  start(): void {
    const writers = this.#tokens.map((token, i) => this.#write(token, i % 2 === 0 ? 'posts' : 'tasks'))
    const readers = Array.from({ length: READERS }, () => this.#read())
    this.#running = Promise.all([...writers, ...readers])
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  /** Reads everything once more: whatever was acknowledged has to be there. */
  async check(): Promise<void> {
    for (const one of this.#tracked) await this.#look(one)
  }

  async #write(token: string, kind: Tracked['kind']): Promise<void> {
    let current: Tracked | undefined
    while (!this.#isStopped) {
      if (current === undefined || current.isDeletionTried) current = await this.#make(token, kind)
      else await this.#change(current)
      await sleep(WRITE_EVERY_MS)
    }
  }

  async #make(token: string, kind: Tracked['kind']): Promise<Tracked | undefined> {
    const body = { title: '0', description: 'of many versions' }
    const { status, answer } = await this.#send('POST', `/${kind}`, { token, body })
    if (status !== 201) return undefined
    const acknowledged = [{ version: 0, at: performance.now() }]
    const made = { kind, token, tried: 0, isDeletionTried: false, acknowledged, ...Thing.Parse(answer) }
    this.#tracked.push(made)
    this.writes += 1
    return made
  }

  async #change(one: Tracked): Promise<void> {
    const path = `/${one.kind}/${one.id}`
    const isLast = one.tried === VERSIONS
    if (isLast) one.isDeletionTried = true
    else one.tried += 1
    const version = isLast ? GONE : one.tried
    const { status } = isLast
      ? await this.#send('DELETE', path, { token: one.token })
      : await this.#send('PATCH', path, { token: one.token, body: { title: String(version) } })
    if (status === 200) {
      this.writes += 1
      one.acknowledged.push({ version, at: performance.now() })
    } else if (status < 500 && status !== 0) this.wrong.push(`${path} changed by its owner: ${status}`)
  }

  async #read(): Promise<void> {
    for (let i = 0; !this.#isStopped; i++) {
      // The newest are what changes.
      const one = this.#tracked.at(
        -1 - Math.floor(Math.random() * Math.min(WRITERS * 2, this.#tracked.length)),
      )
      if (one) await (i % 4 === 0 ? this.#lookAtList(one) : this.#look(one))
      await sleep(READ_EVERY_MS)
    }
  }

  async #look(one: Tracked): Promise<void> {
    const atLeast = newest(one)
    const path = `/${one.kind}/${one.id}`
    const { status, answer } = await this.#send('GET', path, one.kind === 'tasks' ? { token: one.token } : {})
    if (status === 200) this.#compare(one, Number(Thing.Parse(answer).title), atLeast, path)
    else if (status === 404) this.#compare(one, GONE, atLeast, path)
    else if (status < 500 && status !== 0) this.wrong.push(`GET ${path}: ${status}`)
  }

  /** The newest hundred, in which nothing acknowledged may be missing or old. */
  async #lookAtList(one: Tracked): Promise<void> {
    const before = this.#tracked.filter(
      ({ kind, token }) => kind === one.kind && (kind === 'posts' || token === one.token),
    )
    const expected = before.slice(-50).map((each) => ({ each, atLeast: newest(each) }))
    const path = `/${one.kind}?limit=100`
    const { status, answer } = await this.#send('GET', path, one.kind === 'tasks' ? { token: one.token } : {})
    if (status !== 200) return
    const titles = new Map(Things.Parse(answer).items.map(({ id, title }) => [id, Number(title)]))
    for (const { each, atLeast } of expected)
      if (atLeast !== undefined) this.#compare(each, titles.get(each.id) ?? GONE, atLeast, path)
  }

  #compare(one: Tracked, version: number, atLeast: number | undefined, path: string): void {
    this.reads += 1
    const isTooNew = version === GONE ? !one.isDeletionTried : version > one.tried
    const isTooOld = atLeast !== undefined && version < atLeast
    if (!isTooOld && !isTooNew) return
    const [is, was] = [version, atLeast].map((each) => (each === GONE ? 'gone' : each))
    this.wrong.push(`GET ${path} told version ${is} of ${one.kind}/${one.id}; ${was} had been acknowledged`)
  }

  async #send(method: string, path: string, options: RequestOptions = {}) {
    const { result, answer } = await send(this.#origin, method, path, options)
    this.results.push(result)
    return { status: result.status, answer }
  }
}

/** The version that whoever asks now must be told at least. */
function newest(one: Tracked): number | undefined {
  const now = performance.now()
  return one.acknowledged.findLast(({ at }) => at < now - MAY_LAG_MS)?.version
}
