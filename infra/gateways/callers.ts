import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { TokenAnswerSchema, TokenPairSchema, type TokenPair } from '@portcullis/schemas'
import { CONTENT_CLIENT } from '../dev/services.ts'
import type { World } from './world.ts'

const PASSWORD = 'a walk through the gate'
const ATTEMPTS = 5

export interface Caller {
  readonly id: string
  readonly username: string
  readonly pair: TokenPair
}

/** Tokens of every sort that the cases need, of the real issuer. */
export interface Tokens {
  readonly ada: Caller
  readonly admin: string
  readonly client: string
  readonly expired: string
  readonly wrongAudience: string
}

const pairCheck = Compile(TokenPairSchema)
const answerCheck = Compile(TokenAnswerSchema)
const ClaimsSchema = Type.Object({ sub: Type.String(), exp: Type.Number() })
const claimsCheck = Compile(ClaimsSchema)

export function claimsOf(token: string): Static<typeof ClaimsSchema> {
  return claimsCheck.Parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()))
}

export async function makeTokens(world: World): Promise<Tokens> {
  const ada = await newCaller(world.authUrl)
  const admin = await login(world.authUrl, 'admin', world.adminPassword)
  const elsewhere = { AUDIENCE: 'elsewhere' }
  return {
    ada,
    admin: admin.access_token,
    client: await clientToken(world),
    expired: await tokenOf(world, ada.username, { ACCESS_TTL_SECONDS: '1' }),
    wrongAudience: await tokenOf(world, ada.username, elsewhere),
  }
}

/** Signs a new user up and logs it in. */
export async function newCaller(authUrl: string): Promise<Caller> {
  const username = `ada-${randomBytes(6).toString('hex')}`
  await post(`${authUrl}/api/v1/signup`, { username, password: PASSWORD })
  const pair = await login(authUrl, username, PASSWORD)
  return { id: claimsOf(pair.access_token).sub, username, pair }
}

/** The token that another instance of auth gives, with other settings and the same keys. */
async function tokenOf(
  world: World,
  username: string,
  settings: Readonly<Record<string, string>>,
): Promise<string> {
  const other = await world.startAuth(settings)
  try {
    return (await login(other.url, username, PASSWORD)).access_token
  } finally {
    await other.stop()
  }
}

async function clientToken({ authUrl, setting }: World): Promise<string> {
  const basic = Buffer.from(`${CONTENT_CLIENT.id}:${setting.secrets.clientSecret}`).toString('base64')
  const response = await fetch(`${authUrl}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  return answerCheck.Parse(await response.json()).access_token
}

async function login(authUrl: string, username: string, password: string): Promise<TokenPair> {
  return pairCheck.Parse(await post(`${authUrl}/api/v1/login`, { username, password }))
}

async function post(url: string, body: object): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (response.ok) return response.json()
    const text = await response.text()
    // A machine that is busy with other things.
    if (response.status !== 503 || attempt === ATTEMPTS)
      throw new Error(`${url} answered ${response.status}: ${text}`)
    await sleep(1000)
  }
}
