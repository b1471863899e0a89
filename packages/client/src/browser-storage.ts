import { tokensOf, type Tokens, type TokenStorage } from './tokens.ts'

/** A page waits for a refresh of another one no longer than that refresh may take. */
const LOCK_PATIENCE_MS = 10_000

/** What is needed of `localStorage`. */
export interface KeyValueStore {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

/** What is needed of `navigator.locks`. */
export interface Locks {
  request<T>(name: string, options: { signal: AbortSignal }, work: () => Promise<T>): Promise<T>
}

/** What is needed of `window`. */
export interface StorageEvents {
  addEventListener(type: 'storage', listener: (event: Event) => void): void
  removeEventListener(type: 'storage', listener: (event: Event) => void): void
}

export interface BrowserStorageOptions {
  /** Name of the entry. Default `portcullis`. */
  readonly key?: string
  /** Default `localStorage`: all tabs of the origin share one session, and a later visit finds it. */
  readonly store?: KeyValueStore
  /** Default `window`, whose `storage` events tell what other tabs have done. */
  readonly events?: StorageEvents | undefined
  /** Default `navigator.locks`, where there are any. */
  readonly locks?: Locks | undefined
}

/**
 * Keeps the tokens in `localStorage`, for all tabs of the origin. One of them refreshes at a time, by the Web Locks API;
 * without that, those that refresh at the same time are given the same tokens by auth.
 *
 * Whatever runs in the page can read them there. If a foreign script could, use {@link memoryStorage}.
 *
 * @throws TypeError if there is no `localStorage`, as on a server, and no `store` was given.
 */
export function browserStorage(options: BrowserStorageOptions = {}): TokenStorage {
  const key = options.key ?? 'portcullis'
  const store = options.store ?? pageStore()
  const events = 'events' in options ? options.events : globalThis.window
  const locks = 'locks' in options ? options.locks : globalThis.navigator?.locks
  return {
    read: () => parse(store.getItem(key)),
    write: (tokens) => {
      if (tokens === undefined) store.removeItem(key)
      else store.setItem(key, JSON.stringify(tokens))
    },
    ...(locks && { exclusively: (work) => exclusively(locks, key, work) }),
    ...(events && {
      subscribe: (listener) => {
        const hear = (event: Event) => {
          const change = changeOf(event)
          if (change.key === key) listener(parse(change.newValue), parse(change.oldValue))
          // All was cleared.
          else if (change.key === null) listener(undefined, undefined)
        }
        events.addEventListener('storage', hear)
        return () => events.removeEventListener('storage', hear)
      },
    }),
  }
}

function pageStore(): KeyValueStore {
  // Node has the name, with nothing behind it.
  const store: KeyValueStore | undefined = globalThis.localStorage
  if (!store) throw new TypeError('There is no localStorage here: give a store, or use memoryStorage()')
  return store
}

async function exclusively<T>(locks: Locks, name: string, work: () => Promise<T>): Promise<T> {
  let hasBegun = false
  const begin = () => {
    hasBegun = true
    return work()
  }
  try {
    return await locks.request(name, { signal: AbortSignal.timeout(LOCK_PATIENCE_MS) }, begin)
  } catch (error) {
    // The lock is held by a page that stands still. Auth answers two that refresh at the same time alike.
    if (hasBegun) throw error
    return work()
  }
}

/** What a storage event tells; a key of null says that all was cleared. */
function changeOf(event: Event): Readonly<Record<'key' | 'newValue' | 'oldValue', string | null>> {
  const text = (value: unknown) => (typeof value === 'string' ? value : null)
  return {
    key: 'key' in event ? text(event.key) : null,
    newValue: 'newValue' in event ? text(event.newValue) : null,
    oldValue: 'oldValue' in event ? text(event.oldValue) : null,
  }
}

function parse(text: string | null): Tokens | undefined {
  try {
    return text === null ? undefined : tokensOf(JSON.parse(text))
  } catch {
    return undefined
  }
}
