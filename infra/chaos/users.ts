import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { TokenPairSchema, type TokenPair } from '@portcullis/schemas'

const isPair = Compile(TokenPairSchema)
const isSignedUp = Compile(Type.Object({ user: Type.Object({ id: Type.String() }) }))
const PASSWORD = 'as good as any other'
/** Longer than any answer may take. */
const PATIENCE_MS = 5000

export interface User {
  readonly id: string
  readonly username: string
}

/** An instance of auth, or the origin of the pair. */
export interface AuthUrl {
  readonly url: string
}

/** Status 0: there was no answer. */
export interface Reply {
  readonly status: number
  readonly body: unknown
}

/** A request. Never rejects. */
export async function call(
  auth: AuthUrl,
  method: string,
  path: string,
  { token, body }: { readonly token?: string; readonly body?: unknown } = {},
): Promise<Reply> {
  try {
    const response = await fetch(`${auth.url}/api/v1${path}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    return { status: response.status, body: await response.json() }
  } catch {
    return { status: 0, body: undefined }
  }
}

/** @throws Error if the user cannot be made. */
export async function signUp(auth: AuthUrl): Promise<User> {
  const username = `chaos-${randomBytes(6).toString('hex')}`
  const { status, body } = await call(auth, 'POST', '/signup', { body: { username, password: PASSWORD } })
  if (!isSignedUp.Check(body)) throw new Error(`signup answered ${status}`)
  return { id: body.user.id, username }
}

/** The pair of a new session, or the status that there was instead. */
export async function tryLogin(
  auth: AuthUrl,
  username: string,
  password = PASSWORD,
): Promise<TokenPair | number> {
  const { status, body } = await call(auth, 'POST', '/login', { body: { username, password } })
  return isPair.Check(body) ? body : status
}

/** @throws Error if the login does not succeed within a few attempts. */
export async function login(auth: AuthUrl, user: User): Promise<TokenPair> {
  let status = 0
  for (let i = 0; i < 20; i++) {
    const pair = await tryLogin(auth, user.username)
    if (typeof pair === 'object') return pair
    status = pair
    await sleep(50)
  }
  throw new Error(`login answered ${status}`)
}

export function logout(auth: AuthUrl, token: string): Promise<Reply> {
  return call(auth, 'POST', '/logout', { token })
}

/** The next pair, or the status that there was instead. */
export async function tryRefresh(auth: AuthUrl, pair: TokenPair): Promise<TokenPair | number> {
  const { status, body } = await call(auth, 'POST', '/refresh', {
    body: { refresh_token: pair.refresh_token },
  })
  return isPair.Check(body) ? body : status
}
