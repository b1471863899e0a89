import type { TokenPair } from '@portcullis/schemas'
import type { Answer, CallOptions, TestAuth, TestUser } from './auth.ts'

/** An admin with a session. */
export interface TestAdmin extends TestUser {
  readonly pair: TokenPair
  /** A call with the admin's access token. */
  call(method: string, path: string, body?: unknown, headers?: CallOptions['headers']): Promise<Answer>
}

export async function newAdmin(auth: TestAuth): Promise<TestAdmin> {
  const user = await auth.newUser({ roles: ['user', 'admin'] })
  const pair = await auth.login(user)
  return {
    ...user,
    pair,
    call: (method, path, body, headers = {}) =>
      auth.call(method, path, { token: pair.access_token, body, headers }),
  }
}
