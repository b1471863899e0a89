import { randomBytes } from 'node:crypto'
import {
  browserStorage,
  createClient,
  unwrap,
  type Fetch,
  type PortcullisClient,
  type TokenStorage,
} from '@portcullis/client'
import type { Teardown } from '@portcullis/test-kit'
import type { Pair } from './pair.ts'

export const PASSWORD = 'correct horse battery staple'

interface Held {
  answer(): void
  readonly released: Promise<void>
}

/** `fetch` that notes what is asked, and can be made to lose answers. */
export class Wire {
  /** `METHOD /path` of each request, in order. */
  readonly sent: string[] = []
  readonly #toLose = new Map<string, number>()
  readonly #toHold = new Map<string, Held>()

  readonly fetch: Fetch = async (request) => {
    const asked = `${request.method} ${new URL(request.url).pathname}`
    this.sent.push(asked)
    const response = await fetch(request)
    const held = this.#toHold.get(asked)
    if (held !== undefined) {
      this.#toHold.delete(asked)
      held.answer()
      await held.released
    }
    const left = this.#toLose.get(asked) ?? 0
    if (left === 0) return response
    this.#toLose.set(asked, left - 1)
    await response.arrayBuffer()
    throw new TypeError('fetch failed')
  }

  /** The service does what it is asked, and the next answers do not arrive. */
  lose(asked: string, times = 1): void {
    this.#toLose.set(asked, times)
  }

  /** The next answer arrives when it is released. */
  hold(asked: string): { readonly answered: Promise<void>; release(): void } {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    this.#toHold.set(asked, { answer, released })
    return { answered, release }
  }

  count(asked: string): number {
    return this.sent.filter((one) => one === asked).length
  }
}

/** What the tabs of one origin share: `localStorage`, and its events in all tabs but the one that wrote. */
export class SharedStore {
  readonly #items = new Map<string, string>()
  readonly #tabs = new Set<EventTarget>()

  /** `localStorage` and `window` of another tab. */
  open() {
    const events = new EventTarget()
    this.#tabs.add(events)
    const set = (key: string, value: string | undefined) => {
      const oldValue = this.#items.get(key) ?? null
      if (value === undefined) this.#items.delete(key)
      else this.#items.set(key, value)
      const change = { key, oldValue, newValue: value ?? null }
      for (const tab of this.#tabs)
        if (tab !== events) tab.dispatchEvent(Object.assign(new Event('storage'), change))
    }
    const store = {
      getItem: (key: string) => this.#items.get(key) ?? null,
      setItem: set,
      removeItem: (key: string) => set(key, undefined),
    }
    return { store, events }
  }
}

/** What opens the tabs of one browser. */
export interface Browser {
  /** A client, as another tab has it. */
  open(wire?: Wire): PortcullisClient
  /** What the tabs share, as yet another tab sees it. */
  readonly storage: TokenStorage
}

/** @param withLocks whether it has the Web Locks API. */
export function startBrowser(t: Teardown, { authUrl, contentUrl }: Pair, withLocks = true): Browser {
  const shared = new SharedStore()
  const key = `portcullis-${randomBytes(6).toString('hex')}`
  const locks = withLocks ? navigator.locks : undefined
  const openStorage = () => browserStorage({ key, locks, ...shared.open() })
  return {
    open(wire = new Wire()) {
      const storage = openStorage()
      const client = createClient({ url: authUrl, contentUrl, fetch: wire.fetch, storage })
      t.teardown(() => client.close())
      return client
    },
    storage: openStorage(),
  }
}

/** Puts an access token in the place of the stored one that no verifier takes, of the same user and session. */
export async function spoilAccess(storage: TokenStorage): Promise<void> {
  const tokens = await storage.read()
  if (tokens === undefined) throw new Error('nobody is logged in')
  const [head, payload] = tokens.access_token.split('.')
  await storage.write({ ...tokens, access_token: `${head}.${payload}.${'A'.repeat(86)}` })
}

/** Signs a new user up and logs in. The name. */
export async function signIn({ auth }: PortcullisClient): Promise<string> {
  const body = { username: `user-${randomBytes(6).toString('hex')}`, password: PASSWORD }
  await unwrap(auth.POST('/api/v1/signup', { body }))
  await unwrap(auth.POST('/api/v1/login', { body }))
  return body.username
}
