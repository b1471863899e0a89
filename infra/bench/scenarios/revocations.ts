import { setTimeout as sleep } from 'node:timers/promises'
import { createVerifier, type Verifier } from '@portcullis/token-verifier'
import { percentile } from '../../dev/statistics.ts'
import type { Pace } from '../compare.ts'
import { CONTENT_CLIENT } from '../../dev/services.ts'
import { growth, type Row } from '../report.ts'
import type { Stage } from '../stage.ts'
import { logIn, newUser } from '../user.ts'

const RATE = 200
const VERIFIERS = 8

/** From the commit of a logout to its being applied by 8 verifiers, and to its answer, at 200 a second. */
export async function revocationLag(stage: Stage, { seconds }: Pace): Promise<Row[]> {
  const lags: number[] = []
  const verifiers = await startVerifiers(stage, VERIFIERS, lags)
  const tokens = await newTokens(stage, RATE * (seconds + 1))
  await logOutAll(stage, tokens.splice(0, RATE))
  lags.length = 0
  const times = await logOutAll(stage, tokens)
  await Promise.all(verifiers.map((verifier) => verifier.close()))
  const figures = (all: readonly number[]) =>
    `p50 ${percentile(all, 0.5).toFixed(1)}, p99 ${percentile(all, 0.99).toFixed(1)} ms of ${all.length}, ${VERIFIERS} verifiers, ${RATE}/s; ${all.filter((ms) => ms === Infinity).length} refused`
  return [
    {
      name: 'commit to applied, p99',
      figures: figures(lags),
      value: percentile(lags, 0.99),
      unit: 'ms',
      target: { bound: 'at most', value: 10 },
    },
    {
      name: 'POST /logout with its barrier, p50',
      figures: figures(times),
      value: percentile(times, 0.5),
      unit: 'ms',
      target: { bound: 'at most', value: 4 },
    },
    {
      name: 'POST /logout with its barrier, p99',
      figures: figures(times),
      value: percentile(times, 0.99),
      unit: 'ms',
      target: { bound: 'at most', value: 25 },
    },
  ]
}

/** At a steady rate. How long each took, in milliseconds. */
async function logOutAll(stage: Stage, tokens: readonly string[]): Promise<number[]> {
  const began = performance.now()
  return Promise.all(
    tokens.map(async (token, n) => {
      await sleep(Math.max(0, began + (n * 1000) / RATE - performance.now()))
      return logout(stage, token)
    }),
  )
}

/** What one more verifier costs who waits for all of them. */
export async function verifierGrowth(stage: Stage, { seconds }: Pace): Promise<Row[]> {
  const points: [size: number, ms: number][] = []
  for (const size of [1, 2, 4, 8, 16]) {
    // Content is one of them.
    const verifiers = await startVerifiers(stage, size - 1)
    const times: number[] = []
    for (const token of await newTokens(stage, 40 * seconds)) times.push(await logout(stage, token))
    await Promise.all(verifiers.map((verifier) => verifier.close()))
    points.push([size, percentile(times, 0.5)])
  }
  return [growth('POST /logout by verifiers, p50', 'ms', points)]
}

async function startVerifiers(stage: Stage, count: number, lags?: number[]): Promise<Verifier[]> {
  const { setting } = stage
  const verifiers = Array.from({ length: count }, () =>
    createVerifier({
      issuer: setting.origin,
      audience: 'portcullis',
      jwksUrl: `${stage.auth.url}/.well-known/jwks.json`,
      redisUrl: `${setting.redisUrl}/1`,
      clientId: CONTENT_CLIENT.id,
      name: 'bench',
      observer: { applied: (_event, latencyMs) => lags?.push(latencyMs) },
    }),
  )
  for (const verifier of verifiers) verifier.start()
  await Promise.all(verifiers.map((verifier) => verifier.whenReady(AbortSignal.timeout(10_000))))
  if (lags) lags.length = 0
  return verifiers
}

export async function newTokens(stage: Stage, count: number): Promise<string[]> {
  const { username } = await newUser(stage)
  const tokens: string[] = []
  const lane = async () => {
    while (tokens.length < count) {
      tokens.push((await logIn(stage, username)).access_token)
    }
  }
  await Promise.all(Array.from({ length: 2 }, lane))
  return tokens
}

/** @returns how long it took, in milliseconds; infinite if it was refused, as on a machine that is too busy. */
export async function logout(stage: Stage, token: string): Promise<number> {
  const began = performance.now()
  const response = await fetch(`${stage.auth.url}/api/v1/logout`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  await response.text()
  if (response.status === 503) return Infinity
  if (!response.ok) throw new Error(`logout answered ${response.status}`)
  return performance.now() - began
}
