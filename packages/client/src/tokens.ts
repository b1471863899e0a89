/** The tokens of a session; both are opaque here. */
export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
}

/** Told when something else than this client, such as another tab, has changed what is stored. */
export type StorageListener = (now: Tokens | undefined, before: Tokens | undefined) => void

/**
 * Where the tokens of a session are kept. What several clients share, as the tabs of a browser do, is one session:
 * they use one another's tokens, and log one another out.
 */
export interface TokenStorage {
  /** What is stored; undefined if nobody is logged in. */
  read(): Tokens | undefined | Promise<Tokens | undefined>
  /** Stores tokens, or forgets those that are stored. */
  write(tokens: Tokens | undefined): void | Promise<void>
  /**
   * Runs work while no other client that shares this storage runs any. Without it such clients may refresh at the same
   * time, which auth answers alike within a few seconds.
   */
  exclusively?<T>(work: () => Promise<T>): Promise<T>
  /** Calls back after changes that other clients made. Gives what ends it. */
  subscribe?(listener: StorageListener): () => void
}

/** Whether it is a pair of tokens; nothing that was stored or answered is believed to be one. */
function isTokens(value: unknown): value is Tokens {
  return (
    typeof value === 'object' &&
    value !== null &&
    'access_token' in value &&
    typeof value.access_token === 'string' &&
    'refresh_token' in value &&
    typeof value.refresh_token === 'string'
  )
}

/** Just the tokens of an answer that holds them, among other things. */
export function tokensOf(value: unknown): Tokens | undefined {
  return isTokens(value)
    ? { access_token: value.access_token, refresh_token: value.refresh_token }
    : undefined
}

export function areSame(a: Tokens | undefined, b: Tokens | undefined): boolean {
  return a?.access_token === b?.access_token && a?.refresh_token === b?.refresh_token
}

/** Whose access token it is: its `sub`, unverified, to be compared and not to be believed. */
export function subjectOf(accessToken: string): string | undefined {
  return claimOf(accessToken, 'sub')
}

/** Whether both are of one session, as far as can be seen. A password change gives tokens of another session. */
export function areOfOneSession(a: string, b: string): boolean {
  return subjectOf(a) === subjectOf(b) && claimOf(a, 'sid') === claimOf(b, 'sid')
}

function claimOf(accessToken: string, name: string): string | undefined {
  try {
    const payload = accessToken.split('.')[1] ?? ''
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
    const claim: unknown = Reflect.get(Object(claims), name)
    return typeof claim === 'string' ? claim : undefined
  } catch {
    return undefined
  }
}
