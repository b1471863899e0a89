import { setTimeout as sleep } from 'node:timers/promises'
import { median } from '../../dev/statistics.ts'
import type { Pace } from '../compare.ts'
import type { Row } from '../report.ts'
import type { Stage } from '../stage.ts'
import { newUser, PASSWORD } from '../user.ts'

const ATTEMPTS = 200
const AT_ONCE = 500

/** Logins that fail for a name that exists and for names that do not: neither time nor body may tell which. */
export async function loginTiming(stage: Stage, _pace: Pace): Promise<Row[]> {
  const { username } = await newUser(stage)
  const known: number[] = []
  const unknown: number[] = []
  const bodies = new Set<string>()
  for (let n = 0; n < ATTEMPTS; n++) {
    for (const [times, name] of [[known, username] as const, [unknown, `nobody-${n}`] as const]) {
      const began = performance.now()
      const response = await login(stage, name, 'not the password')
      times.push(performance.now() - began)
      bodies.add((await response.text()).replace(/"instance":"[^"]*"/, ''))
    }
  }
  return [
    {
      name: 'failed login, unknown ÷ known name',
      figures: `medians ${median(unknown).toFixed(1)} ÷ ${median(known).toFixed(1)} ms of ${ATTEMPTS} each, ${bodies.size} different bodies`,
      value: median(unknown) / median(known),
      unit: '×',
      target: { bound: 'at most', value: 1.1 },
    },
  ]
}

/** 500 logins at once, half of whose clients go away: memory stays bounded, and who is refused is told soon. */
export async function loginFlood(stage: Stage, _pace: Pace): Promise<Row[]> {
  const { username } = await newUser(stage)
  const before = stage.auth.rssMib()
  let most = before
  const watch = setInterval(() => (most = Math.max(most, stage.auth.rssMib())), 20)
  const answers = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, n) => attempt(stage, username, n % 2 === 1)),
  )
  // Whoever went away has left work behind that still has to end.
  await sleep(2000)
  clearInterval(watch)
  const given = answers.filter((answer) => answer !== undefined)
  const refused = given.filter((answer) => answer.status === 503)
  const slowest = Math.max(0, ...refused.map((answer) => answer.ms))
  const statuses = Object.entries(Object.groupBy(given, (answer) => answer.status))
  const counts = statuses.map(([status, group]) => `${group?.length ?? 0} × ${status}`).join(', ')
  const unsaid = refused.filter((answer) => !answer.hasRetryAfter).length
  return [
    {
      name: `${AT_ONCE} logins at once, memory`,
      figures: `${before.toFixed(0)} MiB before, ${most.toFixed(0)} MiB at most; ${counts}, ${AT_ONCE - given.length} went away`,
      value: most - before,
      unit: 'MiB',
      target: { bound: 'at most', value: 100 },
    },
    {
      name: `${AT_ONCE} logins at once, slowest refusal`,
      figures: `${refused.length} refused, ${unsaid} of them without Retry-After`,
      value: slowest,
      unit: 'ms',
      target: { bound: 'at most', value: 1200 },
    },
  ]
}

async function attempt(stage: Stage, username: string, goesAway: boolean) {
  const began = performance.now()
  try {
    const response = await login(stage, username, PASSWORD, goesAway ? AbortSignal.timeout(50) : undefined)
    await response.text()
    const hasRetryAfter = response.headers.has('retry-after')
    return { status: response.status, ms: performance.now() - began, hasRetryAfter }
  } catch (error) {
    if (goesAway) return undefined
    throw error
  }
}

function login(stage: Stage, username: string, password: string, signal?: AbortSignal): Promise<Response> {
  return fetch(`${stage.auth.url}/api/v1/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
    ...(signal && { signal }),
  })
}
