/** A request of the walk. `$NAME` and the like stand for variables in paths, bodies and tokens. */
export interface Step {
  readonly title: string
  readonly method: 'GET' | 'POST'
  /** Below `/api/v1`. */
  readonly path: string
  readonly body?: Readonly<Record<string, string>>
  /** Variable that holds the access token. */
  readonly token?: string
  readonly status: number
  /** Variables to set from fields of the answer. */
  readonly keep?: Readonly<Record<string, string>>
}

/** A variable in a path or a body. */
export const VARIABLE = /\$[A-Z]+/g

const credentials = { username: '$NAME', password: 'a walk through the gate' }
const pair = { ACCESS: 'access_token', REFRESH: 'refresh_token' }

/** What shows most shortly that it works. Printed for the shell by walk-shell.ts and made by walk.ts: one source. */
export const steps: readonly Step[] = [
  { title: 'sign up', method: 'POST', path: '/signup', body: credentials, status: 201 },
  { title: 'log in', method: 'POST', path: '/login', body: credentials, status: 200, keep: pair },
  {
    title: 'write a post',
    method: 'POST',
    path: '/posts',
    token: 'ACCESS',
    body: { title: 'Hello', description: 'from $NAME' },
    status: 201,
  },
  { title: 'read the posts as anybody', method: 'GET', path: '/posts?limit=1', status: 200 },
  {
    title: 'note a task',
    method: 'POST',
    path: '/tasks',
    token: 'ACCESS',
    body: { title: 'Water the plants' },
    status: 201,
  },
  {
    title: 'refresh the tokens',
    method: 'POST',
    path: '/refresh',
    body: { refresh_token: '$REFRESH' },
    status: 200,
    keep: pair,
  },
  { title: 'log out', method: 'POST', path: '/logout', token: 'ACCESS', status: 200 },
  {
    title: 'try the token that was logged out',
    method: 'GET',
    path: '/tasks',
    token: 'ACCESS',
    status: 401,
  },
]
