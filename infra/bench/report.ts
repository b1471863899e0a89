import { cpus, loadavg } from 'node:os'
import type { Measure } from './compare.ts'

export type Point = readonly [size: number, cost: number]

/** A line of the result. */
export interface Row {
  readonly name: string
  /** What was measured, for people. */
  readonly figures: string
  readonly value: number
  readonly unit: string
  /** How a cost grows with a size. */
  readonly curve?: { readonly unit: string; readonly points: readonly Point[] }
  readonly target?: { readonly bound: 'at least' | 'at most'; readonly value: number }
}

/** Requests a second of ours by those of the reference. */
export function ratio(name: string, ours: Measure, bare: Measure, atLeast?: number): Row {
  return {
    name,
    figures: `${shown(ours)} ÷ ${shown(bare)}, by ${ours.by}`,
    value: ours.rps / bare.rps,
    unit: '×',
    ...(atLeast !== undefined && { target: { bound: 'at least', value: atLeast } }),
  }
}

/** The cost at the largest size by that at the smallest. The exponent is that of size, from the one to the other. */
export function growth(name: string, unit: string, points: readonly Point[], atMost?: number): Row {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined) throw new Error(`${name}: nothing was measured`)
  const exponent = Math.log(last[1] / first[1]) / Math.log(last[0] / first[0])
  const costs = points.map(([size, cost]) => `${size}: ${cost.toFixed(2)}`).join(', ')
  return {
    name,
    figures: `${costs} ${unit}; exponent ${exponent.toFixed(3)}`,
    value: last[1] / first[1],
    unit: '×',
    curve: { unit, points },
    ...(atMost !== undefined && { target: { bound: 'at most', value: atMost } }),
  }
}

/** Undefined where there is no target. */
export function isMet({ value, target }: Row): boolean | undefined {
  if (target === undefined) return undefined
  return target.bound === 'at least' ? value >= target.value : value <= target.value
}

export function shown({ rps, cpuMicros, p50, p99 }: Measure): string {
  return `${Math.round(rps)} rps, ${Math.round(cpuMicros)} µs CPU, p50 ${tenth(p50)} p99 ${tenth(p99)} ms`
}

function tenth(ms: number): number {
  return Math.round(ms * 10) / 10
}

export function print(rows: readonly Row[]): void {
  for (const row of rows) {
    const { name, figures, value, unit, target } = row
    const aim = target ? ` (target ${target.bound} ${target.value}${isMet(row) ? '' : ': missed'})` : ''
    console.log(`${name.padEnd(44)} ${value.toFixed(2)} ${unit}${aim}\n${' '.repeat(45)}${figures}`)
  }
}

/** The machine, and how busy it is with other things. */
export function machine(): string {
  const [minute = 0] = loadavg()
  return `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.version}, load ${minute.toFixed(2)}`
}
