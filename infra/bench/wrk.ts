import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { root } from '../dev/places.ts'
import { onPath, type Program } from '../dev/programs.ts'
import type { Load, Measure } from './compare.ts'

/** What `wrk.lua` prints. */
const Result = Compile(
  Type.Object({
    answers: Type.Integer(),
    micros: Type.Integer(),
    refused: Type.Integer(),
    lost: Type.Integer(),
    p50: Type.Integer({ description: 'µs' }),
    p99: Type.Integer({ description: 'µs' }),
  }),
)

const wrk = onPath('wrk')

/**
 * wrk takes a fraction of the time for an answer that a server in Node does; autocannon takes as long, and longer the more
 * headers there are.
 *
 * @returns undefined if this machine has none, and for loads that it does not make: it only reads, and always the same.
 */
export function wrkFor(...loads: readonly Load[]): Program | undefined {
  return loads.every(isPlain) ? wrk : undefined
}

function isPlain({ method = 'GET', body, vary, chain }: Load): boolean {
  return method === 'GET' && body === undefined && vary === undefined && chain === undefined
}

/** Loads a server for so many seconds. @throws Error if a request fails. */
export async function measureByWrk(
  { path: program, version, env }: Program,
  load: Load,
  seconds: number,
): Promise<Measure> {
  const { server, path, headers = {}, connections = 32 } = load
  const before = server.cpuMicros()
  const args = [
    '--threads=1',
    `--connections=${connections}`,
    `--duration=${seconds}s`,
    `--script=${join(root, 'infra/bench/wrk.lua')}`,
    ...Object.entries(headers).map(([name, value]) => `--header=${name}: ${value}`),
    server.url + path,
  ]
  const { stdout } = await promisify(execFile)(program, args, { env: { ...process.env, ...env } })
  const cpu = server.cpuMicros() - before
  const line = stdout.split('\n').findLast((text) => text.startsWith('{')) ?? ''
  const { answers, micros, refused, lost, p50, p99 } = Result.Parse(JSON.parse(line))
  if (refused > 0 || lost > 0)
    throw new Error(`GET ${path}: ${lost} lost, and ${refused} of ${answers} refused`)
  return {
    rps: (answers / micros) * 1e6,
    cpuMicros: cpu / answers,
    p50: p50 / 1000,
    p99: p99 / 1000,
    by: `wrk ${version}`,
  }
}
