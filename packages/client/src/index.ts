export {
  browserStorage,
  type BrowserStorageOptions,
  type KeyValueStore,
  type Locks,
  type StorageEvents,
} from './browser-storage.ts'
export type { Fetch } from './authorized-fetch.ts'
export { createClient, type ClientOptions, type PortcullisClient } from './client.ts'
export { memoryStorage } from './memory-storage.ts'
export { ProblemError, unwrap, type Answer, type FieldError, type Problem } from './problems.ts'
export { revocationOf, type Revocation } from './revocation.ts'
export type { SessionEvent, SessionView } from './session.ts'
export type { StorageListener, Tokens, TokenStorage } from './tokens.ts'
export type { components as AuthComponents, paths as AuthPaths } from './generated/auth.ts'
export type { components as ContentComponents, paths as ContentPaths } from './generated/content.ts'
