import { randomBytes } from 'node:crypto'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { TokenPairSchema, type TokenPair } from '@portcullis/schemas'
import type { Stage } from './stage.ts'

const isPair = Compile(TokenPairSchema)
const isUser = Compile(Type.Object({ user: Type.Object({ id: Type.String() }) }))
const hasId = Compile(Type.Object({ id: Type.String() }))

export const PASSWORD = 'a password for measuring'

/** A new user with a session. */
export async function newUser(stage: Stage) {
  const username = `bench-${randomBytes(6).toString('hex')}`
  const { user } = isUser.Parse(
    await post(`${stage.auth.url}/api/v1/signup`, { username, password: PASSWORD }),
  )
  const pair = await logIn(stage, username)
  return { id: user.id, username, pair, headers: { authorization: `Bearer ${pair.access_token}` } }
}

/** The tokens of a new session. */
export async function logIn(stage: Stage, username: string): Promise<TokenPair> {
  return isPair.Parse(await post(`${stage.auth.url}/api/v1/login`, { username, password: PASSWORD }))
}

export type BenchUser = Awaited<ReturnType<typeof newUser>>

/** Makes a task or a post, and gives its id. */
export async function create(
  stage: Stage,
  user: BenchUser,
  what: 'tasks' | 'posts',
  body: object,
): Promise<string> {
  return hasId.Parse(await post(`${stage.content.url}/api/v1/${what}`, body, user.headers)).id
}

export async function post(
  url: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return response.json()
}
