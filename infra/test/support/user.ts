import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TokenPair } from '@portcullis/schemas'

const PASSWORD = 'correct horse battery staple'

export interface TestUser {
  readonly username: string
  login(): Promise<TokenPair>
}

/** Signs a new user up. What a busy server puts off is asked for again, as every client does. */
export async function newUser({ authUrl }: { readonly authUrl: string }): Promise<TestUser> {
  const username = `user-${randomBytes(6).toString('hex')}`
  const post = async (path: string, status: number, attempts = 5): Promise<unknown> => {
    const response = await fetch(`${authUrl}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password: PASSWORD }),
    })
    if (response.status === 503 && attempts > 1) {
      await response.body?.cancel()
      await sleep(Number(response.headers.get('retry-after')) * 1000)
      return post(path, status, attempts - 1)
    }
    if (response.status !== status) throw new Error(`${path} answered ${response.status}`)
    return response.json()
  }
  await post('/signup', 201)
  return { username, login: async () => (await post('/login', 200)) as TokenPair }
}
