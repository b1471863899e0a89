import type { Answer, TestAuth } from './auth.ts'

export interface Credentials {
  readonly client_id: string
  readonly client_secret: string
}

/** Posts a form to a route under /oauth, authenticated by HTTP Basic if there is a client. */
export function postForm(
  auth: Pick<TestAuth, 'call'>,
  path: string,
  form: Readonly<Record<string, string>> | string[][],
  client?: Credentials,
): Promise<Answer> {
  const basic = client && Buffer.from(`${client.client_id}:${client.client_secret}`).toString('base64')
  return auth.call('POST', path, {
    body: new URLSearchParams(form).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(basic !== undefined && { authorization: `Basic ${basic}` }),
    },
  })
}

/** An access token of a registered client. */
export async function clientToken(auth: Pick<TestAuth, 'call'>, client: Credentials): Promise<string> {
  const { status, body } = await postForm(auth, '/oauth/token', { grant_type: 'client_credentials' }, client)
  if (status !== 200) throw new Error(`the token endpoint answered ${status}`)
  return body.access_token
}
