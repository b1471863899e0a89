import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { instant, Replica, systemClock } from '@portcullis/token-verifier'
import type { Pace } from '../compare.ts'
import { growth, type Row } from '../report.ts'

const SIZES = [1e3, 1e4, 1e5, 1e6]
const LOOK_UPS = 300_000
const BATCH = 1000

/** A replica of the log with up to a million revocations: what it takes, and what a look-up costs. */
export async function replicaGrowth(_pace: Pace): Promise<Row[]> {
  const replica = new Replica()
  const empty = usedMib()
  const points: [size: number, micros: number][] = []
  let seq = 0
  for (const size of SIZES) {
    while (seq < size) {
      const events = Array.from({ length: BATCH }, (_, n) => ({
        epoch: 1,
        seq: seq + n + 1,
        kind: 'session' as const,
        key: crypto.randomUUID(),
        value: 0,
        keep_until: Date.now() + 3_900_000,
        at: 0,
      }))
      replica.apply(events)
      seq += BATCH
    }
    replica.advance({ epoch: 1, seq, base: 0 }, instant(systemClock))
    points.push([size, lookUpMicros(replica)])
  }
  const largest = points.at(-1)?.[1] ?? NaN
  return [
    {
      name: 'replica with 1,000,000 revocations, memory',
      figures: `${replica.entries} entries`,
      value: usedMib() - empty,
      unit: 'MiB',
      target: { bound: 'at most', value: 64 },
    },
    {
      name: 'replica with 1,000,000 revocations, a look-up',
      figures: `of a session that is not there, least of 5 times ${LOOK_UPS}`,
      value: largest,
      unit: 'µs',
      target: { bound: 'at most', value: 1 },
    },
    growth('look-up by revocations held', 'µs', points, 1.3),
  ]
}

function lookUpMicros(replica: Replica): number {
  const keys = Array.from({ length: 1000 }, () => crypto.randomUUID())
  const times: number[] = []
  for (let round = 0; round < 5; round++) {
    const began = performance.now()
    for (let n = 0; n < LOOK_UPS; n++) replica.held('session', keys[n % keys.length] ?? '')
    times.push(((performance.now() - began) * 1000) / LOOK_UPS)
  }
  return Math.min(...times)
}

function usedMib(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc()')
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 1024 / 1024
}
