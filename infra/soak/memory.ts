import { setTimeout as sleep } from 'node:timers/promises'
import type { Stage } from '../chaos/stage.ts'
import { heapOf } from './heap.ts'

/** In bytes; of several processes the one with most. */
export interface Sample {
  /** Since the first one was begun, in seconds. */
  readonly seconds: number
  readonly entries: number
  /** After a collection of garbage. */
  readonly verifierHeap: number
  /** Typed arrays, where the entries are. */
  readonly verifierArrays: number
  /** The same. */
  readonly authHeap: number
  readonly authArrays: number
  readonly redis: number
}

type Memory = Exclude<keyof Sample, 'seconds' | 'entries'>

const MIB = 1024 * 1024
/** What may come on top, once warm, in the heap of a process: nothing in it is for an entry. */
const HEAP_BYTES = 8 * MIB
/** What an entry takes in typed arrays, which double when they are full: 44 bytes, and as much that is empty. */
const ARRAY_BYTES_PER_ENTRY = 2 * 44
/** What an entry takes in Redis: its place in the stream, and the key that it is looked up by. */
const REDIS_BYTES_PER_ENTRY = 400
/** Buffers of connections and the like. */
const SPARE_BYTES = 8 * MIB
/** By then everything has been used once: the first so many samples are not compared. */
const WARM_AFTER = 3

const began = performance.now()

/** What everybody uses after so many milliseconds. */
export async function take(stage: Stage, milliseconds: number): Promise<Sample> {
  await sleep(milliseconds)
  const auths = await Promise.all(stage.auths.map(({ inspectPort }) => heapOf(inspectPort)))
  const verifiers = await Promise.all(stage.verifiers.map((verifier) => verifier.ask({ collect: true })))
  const present = verifiers.filter((answer) => answer !== undefined)
  const redis = stage.openRedis()
  const memory = await redis.info('memory')
  redis.disconnect()
  return {
    seconds: (performance.now() - began) / 1000,
    entries: Math.max(...present.map(({ entries }) => entries)),
    verifierHeap: Math.max(...present.map(({ memory }) => memory.heapUsed)),
    verifierArrays: Math.max(...present.map(({ memory }) => memory.arrayBuffers)),
    authHeap: Math.max(...auths.map(({ usedSize }) => usedSize)),
    authArrays: Math.max(...auths.map(({ backingStorageSize }) => backingStorageSize)),
    redis: Number(/^used_memory:(\d+)/m.exec(memory)?.[1]),
  }
}

/** What has grown by more than it may since it was warm. */
export function grownBeyond(samples: readonly Sample[]): string[] {
  const warm = samples[WARM_AFTER - 1]
  const last = samples.at(-1)
  if (!warm || !last) return ['there were too few samples']
  const entries = last.entries - warm.entries
  const bounds: Readonly<Record<Memory, number>> = {
    verifierHeap: HEAP_BYTES,
    verifierArrays: last.entries * ARRAY_BYTES_PER_ENTRY + SPARE_BYTES,
    authHeap: HEAP_BYTES,
    authArrays: last.entries * ARRAY_BYTES_PER_ENTRY + SPARE_BYTES,
    redis: entries * REDIS_BYTES_PER_ENTRY + SPARE_BYTES,
  }
  return MEMORIES.flatMap((name) => {
    const growth = last[name] - warm[name]
    if (growth <= bounds[name]) return []
    return [
      `${name} by ${mib(growth)} MiB with ${entries} entries, at most ${mib(bounds[name])} were expected`,
    ]
  })
}

const MEMORIES = ['verifierHeap', 'verifierArrays', 'authHeap', 'authArrays', 'redis'] as const

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1)
}

const TITLES = ['seconds', 'entries', 'verifier heap', 'verifier arrays', 'auth heap', 'auth arrays', 'redis']

/** The first two lines of the table, in Markdown; MiB. */
export function header(): string {
  return `| ${TITLES.join(' | ')} |\n|${TITLES.map((title) => '-'.repeat(title.length + 2)).join('|')}|`
}

export function line(sample: Sample): string {
  const cells = [
    sample.seconds.toFixed(0),
    String(sample.entries),
    ...MEMORIES.map((name) => mib(sample[name])),
  ]
  return `| ${cells.map((cell, index) => cell.padStart(TITLES[index]?.length ?? 0)).join(' | ')} |`
}
