import autocannon from 'autocannon'
import { median } from '../dev/statistics.ts'
import type { Server } from './server.ts'
import { measureByWrk, wrkFor } from './wrk.ts'

/** A request that is made over and over. */
export interface Load {
  readonly server: Server
  readonly path: string
  readonly method?: 'GET' | 'POST' | 'PUT'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly connections?: number
  /** A request of its own for each; `index` counts from 0. */
  readonly vary?: (index: number) => { readonly headers?: Record<string, string>; readonly body?: string }
  /** A request of its own for each, made of the answer to an earlier one. */
  readonly chain?: {
    /** More than there are connections. */
    readonly first: readonly string[]
    readonly body: (state: string) => string
    readonly next: (answer: string) => string
  }
}

export interface Measure {
  readonly rps: number
  readonly cpuMicros: number
  /** In ms. */
  readonly p50: number
  readonly p99: number
  /** The program that made the load. */
  readonly by: string
}

export interface Pace {
  readonly rounds: number
  readonly seconds: number
}

/** Loads a server for so many seconds. @throws Error if a request fails. */
export async function measure(load: Load, seconds: number): Promise<Measure> {
  const { server, path, method = 'GET', headers = {}, body, connections = 32, vary, chain } = load
  let index = 0
  const before = server.cpuMicros()
  const result = await autocannon({
    url: server.url + path,
    method,
    headers,
    ...(body !== undefined && { body }),
    connections,
    duration: seconds,
    ...(chain && { requests: [chained(chain)] }),
    ...(vary && {
      requests: [{ setupRequest: (request) => ({ ...request, ...merge(request, vary(index++)) }) }],
    }),
  })
  const cpu = server.cpuMicros() - before
  const answered = result['2xx']
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${method} ${path}: ${result.errors} lost, and answered ${countsOf(result)}`)
  return {
    rps: answered / result.duration,
    cpuMicros: cpu / answered,
    p50: result.latency.p50,
    p99: result.latency.p99,
    by: 'autocannon',
  }
}

/** How often each status was answered, such as `200: 9731, 503: 12`. */
function countsOf({ statusCodeStats = {} }: autocannon.Result): string {
  return Object.entries(statusCodeStats)
    .map(([status, { count = 0 }]) => `${status}: ${count}`)
    .join(', ')
}

/** Each request takes a state that no other one is using, and leaves the next state behind. */
function chained({ first, body, next }: NonNullable<Load['chain']>): autocannon.Request {
  const free = [...first]
  return {
    setupRequest: (request) => ({ ...request, body: body(free.shift() ?? '') }),
    onResponse: (status, answer) => {
      if (status < 300) free.push(next(answer))
    },
  }
}

function merge(
  request: autocannon.Request,
  own: { readonly headers?: Record<string, string>; readonly body?: string },
): Partial<autocannon.Request> {
  return {
    ...(own.headers && { headers: { ...request.headers, ...own.headers } }),
    ...(own.body !== undefined && { body: own.body }),
  }
}

/** The medians of both, measured in turn, A B A B …, so that what else the machine does hits both alike. */
export async function compare(
  { ours, bare }: { readonly ours: Load; readonly bare: Load },
  { rounds, seconds }: Pace,
): Promise<{ ours: Measure; bare: Measure }> {
  const wrk = wrkFor(ours, bare)
  const run = (load: Load, duration: number) =>
    wrk === undefined ? measure(load, duration) : measureByWrk(wrk, load, duration)
  const warmUp = Math.min(2, seconds)
  await run(ours, warmUp)
  await run(bare, warmUp)
  const measured: { ours: Measure[]; bare: Measure[] } = { ours: [], bare: [] }
  for (let round = 0; round < rounds; round++) {
    measured.ours.push(await run(ours, seconds))
    measured.bare.push(await run(bare, seconds))
  }
  return { ours: medianOf(measured.ours), bare: medianOf(measured.bare) }
}

export function medianOf(measures: readonly Measure[]): Measure {
  const of = (pick: (measure: Measure) => number) => median(measures.map(pick))
  return {
    rps: of((m) => m.rps),
    cpuMicros: of((m) => m.cpuMicros),
    p50: of((m) => m.p50),
    p99: of((m) => m.p99),
    by: measures[0]?.by ?? '',
  }
}
