import { readSeen, type Seen } from './app.ts'
import { claimsOf, newCaller, type Tokens } from './callers.ts'
import { ask, askOnce, type Answer } from './ask.ts'
import type { Gateway } from './gateways.ts'
import { AMBIGUOUS_PATHS, mayBeginWith, PLAIN_PATHS } from './paths.ts'
import { CONTENT_LIMIT, type World } from './world.ts'

/** What a case found: in short for the table, and whether it is as it must be. */
export interface Finding {
  readonly shown: string
  readonly isRight: boolean
}

export interface Case {
  readonly name: string
  run(gateway: Gateway, tokens: Tokens, world: World): Promise<Finding>
}

/** A path that needs a user, of the service without a verifier: nobody but the gateway stands before it. */
const GUARDED = '/app/hello'
const TASKS = '/api/v1/tasks'
const IDENTITY = /^x[-_](?:user|session)/

/** Everything is asked by way of the gateway. */
export const cases: readonly Case[] = [
  refused('no token', 401, () => undefined),
  { name: 'good', run: good },
  refused('expired', 401, async ({ expired }) => {
    const left = claimsOf(expired).exp * 1000 - Date.now()
    if (left >= 0) await new Promise((resolve) => setTimeout(resolve, left + 10))
    return expired
  }),
  refused('tampered', 401, ({ ada }) => {
    const [header, payload = '', signature] = ada.pair.access_token.split('.')
    const claims = Buffer.from(payload, 'base64url').toString().replace('"user"', '"admin"')
    return `${header}.${Buffer.from(claims).toString('base64url')}.${signature}`
  }),
  refused('alg none', 401, ({ ada }) => {
    const [, payload] = ada.pair.access_token.split('.')
    return `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${payload}.`
  }),
  refused('wrong audience', 401, ({ wrongAudience }) => wrongAudience),
  refused('refresh token', 401, ({ ada }) => ada.pair.refresh_token),
  refused('token of a client', 403, ({ client }) => client),
  { name: 'logged out', run: loggedOut },
  { name: 'wrong role', run: wrongRole },
  { name: 'right role', run: rightRole },
  { name: 'own ?role=', run: ownRole },
  { name: 'role, by other paths', run: rolePaths },
  { name: 'plain paths', run: plainPaths },
  { name: 'forged X-User-Id', run: (gateway, tokens) => forged(gateway, tokens, '-') },
  { name: 'forged X_User_Id', run: (gateway, tokens) => forged(gateway, tokens, '_') },
  { name: 'undone by Connection', run: undone },
  { name: 'log not yet there', run: notYetThere },
  { name: 'no position of the log', run: noPosition },
  { name: 'rate limit hit', run: limitHit },
]

/** The last: auth is stopped before. */
export const authAway: Case = {
  name: 'auth away',
  run: async ({ url }, { ada }) => {
    const { access_token: token } = ada.pair
    // A gateway that holds on to what it knows may do so for two seconds.
    const deadline = performance.now() + 5000
    let answer = await askOnce(url, GUARDED, { token })
    while (answer.status === 200 && performance.now() < deadline)
      answer = await askOnce(url, GUARDED, { token })
    const open = await ask(url, '/open/hello')
    const isRight = isRefusal(answer, 503) && answer.headers.has('retry-after') && open.status === 200
    return { shown: `${answer.status}, open ${open.status}`, isRight }
  },
}

/** A case in which the request must not come through, at neither of the services. */
function refused(
  name: string,
  status: number,
  tokenOf: (tokens: Tokens) => string | undefined | Promise<string | undefined>,
): Case {
  return {
    name,
    run: async ({ url }, tokens) => {
      const token = await tokenOf(tokens)
      const [guarded, tasks] = [await ask(url, GUARDED, { token }), await ask(url, TASKS, { token })]
      const isRight = isRefusal(guarded, status) && isRefusal(tasks, status)
      return { shown: both(guarded, tasks), isRight }
    },
  }
}

function both(a: Answer, b: Answer): string {
  return a.status === b.status ? String(a.status) : `${a.status}, content ${b.status}`
}

/** An answer that a client of this API can read. */
function isRefusal({ status, headers }: Answer, expected: number): boolean {
  const challenge = headers.get('www-authenticate')
  const isProblem = headers.get('content-type')?.startsWith('application/problem+json') === true
  const isChallenged = expected !== 401 || challenge?.startsWith('Bearer realm="portcullis"') === true
  return status === expected && isProblem && isChallenged && challenge?.includes(', Bearer') !== true
}

function identityOf(seen: Seen | undefined): string {
  const headers = seen?.headers.filter(([name]) => IDENTITY.test(name)) ?? []
  return headers
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(' ')
}

function isAda(seen: Seen | undefined, { ada }: Tokens): boolean {
  const expected = `x-session-id=\\S+ x-user-id=${ada.id} x-user-name=${ada.username} x-user-roles=user`
  return new RegExp(`^${expected}$`).test(identityOf(seen))
}

async function good({ url }: Gateway, tokens: Tokens): Promise<Finding> {
  const token = tokens.ada.pair.access_token
  const [guarded, tasks] = [await ask(url, GUARDED, { token }), await ask(url, TASKS, { token })]
  const isRight = guarded.status === 200 && tasks.status === 200 && isAda(readSeen(guarded.text), tokens)
  return { shown: both(guarded, tasks), isRight }
}

async function loggedOut({ url }: Gateway, _tokens: Tokens, { authUrl }: World): Promise<Finding> {
  const { pair } = await newCaller(authUrl)
  const token = pair.access_token
  const before = await ask(url, GUARDED, { token })
  // After a 202 it is repeated, and then waits for the same verifiers.
  let logout = await ask(url, '/api/v1/logout', { token, method: 'POST' })
  if (logout.status === 202) logout = await ask(url, '/api/v1/logout', { token, method: 'POST' })
  const after = [await ask(url, GUARDED, { token }), await ask(url, TASKS, { token })]
  const isRight = before.status === 200 && logout.status === 200 && after.every((one) => isRefusal(one, 401))
  return { shown: [before, logout, ...after].map(({ status }) => status).join(' '), isRight }
}

async function wrongRole({ url }: Gateway, { ada }: Tokens): Promise<Finding> {
  const answer = await ask(url, '/app/admin/hello', { token: ada.pair.access_token })
  return { shown: String(answer.status), isRight: isRefusal(answer, 403) }
}

async function rightRole({ url }: Gateway, { admin }: Tokens): Promise<Finding> {
  const { status, text } = await ask(url, '/app/admin/hello', { token: admin })
  const isAdmin = /x-user-roles=\S*\badmin\b/.test(identityOf(readSeen(text)))
  return { shown: String(status), isRight: status === 200 && isAdmin }
}

/** What the request itself asks for by `role` is nothing to the gateway. */
async function ownRole({ url }: Gateway, { ada }: Tokens): Promise<Finding> {
  const token = ada.pair.access_token
  const [user, admin] = [
    await ask(url, `${GUARDED}?role=admin`, { token }),
    await ask(url, '/app/admin/hello?role=user', { token }),
  ]
  const shown = `${user.status} ${admin.status}`
  return { shown, isRight: user.status === 200 && isRefusal(admin, 403) }
}

/** Whatever way the path is written: what a service may read as a path for some is for these alone. */
async function rolePaths({ url }: Gateway, { ada }: Tokens): Promise<Finding> {
  const passed: string[] = []
  for (const path of AMBIGUOUS_PATHS)
    for (const token of [ada.pair.access_token, undefined]) {
      const seen = readSeen((await ask(url, path, { token })).text)
      const guarded = token === undefined ? '/app/' : '/app/admin'
      if (seen && mayBeginWith(guarded, seen.path))
        passed.push(token === undefined ? `${path} (nobody)` : path)
    }
  return { shown: passed.length === 0 ? 'none' : passed.join(' '), isRight: passed.length === 0 }
}

/** What can be read in one way only passes, and arrives as it was sent; the query is no part of it. */
async function plainPaths({ url }: Gateway, { ada }: Tokens): Promise<Finding> {
  const refused: string[] = []
  for (const path of PLAIN_PATHS) {
    const { text } = await ask(url, path, { token: ada.pair.access_token })
    if (readSeen(text)?.path !== path) refused.push(path)
  }
  return { shown: refused.length === 0 ? 'all' : refused.join(' '), isRight: refused.length === 0 }
}

/** With a good token the service reads the true user alone, and without one nobody. */
async function forged({ url }: Gateway, tokens: Tokens, hyphen: string): Promise<Finding> {
  const names = ['X-User-Id', 'X-User-Name', 'X-User-Roles', 'X-Session-Id', 'x-user-id', 'X-USER-ROLES']
  const headers = names.map((name): [string, string] => [name.replaceAll('-', hyphen), 'forged'])
  if (hyphen === '_') headers.push(['X-User_Id', 'forged'], ['X_User-Id', 'forged'])
  const guarded = readSeen((await ask(url, GUARDED, { token: tokens.ada.pair.access_token, headers })).text)
  const open = readSeen((await ask(url, '/open/hello', { headers })).text)
  const isRight = isAda(guarded, tokens) && open !== undefined && identityOf(open) === ''
  return { shown: isRight ? 'deleted' : `passed: ${identityOf(guarded)} ${identityOf(open)}`, isRight }
}

const UNDOING: readonly (readonly string[])[] = [
  ['close, X-User-Id, X-User-Name, X-User-Roles, X-Session-Id'],
  ['close', 'x-user-roles'],
  ['close', 'TE', 'X_Session_Id,x_user_id'],
]

/** A client does not undo what the gateway says of it by naming that in `Connection`, for a proxy to delete. */
async function undone({ url }: Gateway, tokens: Tokens): Promise<Finding> {
  const token = tokens.ada.pair.access_token
  const passed: string[] = []
  for (const lines of UNDOING) {
    const headers = lines.map((line): [string, string] => ['Connection', line])
    const seen = readSeen((await ask(url, GUARDED, { token, headers })).text)
    if (seen && !isAda(seen, tokens)) passed.push(lines.join(', '))
  }
  return { shown: passed.length === 0 ? 'none' : passed.join('; '), isRight: passed.length === 0 }
}

/** Whoever asks for a position of the log that nobody has reached is told to come again. */
async function notYetThere({ url }: Gateway, { ada }: Tokens): Promise<Finding> {
  const headers: [string, string][] = [['If-Revocation-Position', '9999999999-1']]
  const answer = await askOnce(url, GUARDED, { token: ada.pair.access_token, headers })
  const isRight = isRefusal(answer, 503) && answer.headers.has('retry-after')
  return { shown: String(answer.status), isRight }
}

/** What names no position is told so, and a bad token is a bad token all the same. */
async function noPosition({ url }: Gateway, { ada }: Tokens): Promise<Finding> {
  const headers: [string, string][] = [['If-Revocation-Position', 'none']]
  const good = await askOnce(url, GUARDED, { token: ada.pair.access_token, headers })
  const bad = await askOnce(url, GUARDED, { token: 'bad', headers })
  const isRight = isRefusal(good, 400) && !good.headers.has('retry-after') && isRefusal(bad, 401)
  return { shown: `${good.status}, bad token ${bad.status}`, isRight }
}

/** The limit is content's; its answer comes through as it is. */
async function limitHit({ url }: Gateway, _tokens: Tokens, { authUrl }: World): Promise<Finding> {
  const token = (await newCaller(authUrl)).pair.access_token
  let answer = await ask(url, TASKS, { token })
  for (let asked = 1; asked <= CONTENT_LIMIT; asked++) answer = await ask(url, TASKS, { token })
  const hasHeaders = ['retry-after', 'ratelimit', 'ratelimit-policy'].every((name) =>
    answer.headers.has(name),
  )
  return { shown: String(answer.status), isRight: isRefusal(answer, 429) && hasHeaders }
}
