import colors from 'picocolors'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'

const WIDTH = 10

/** A line about a part: `name      text`. */
export function say(name: string, text: string): void {
  wipe()
  console.log(`${colors.cyan(name.padEnd(WIDTH))} ${text}`)
  draw()
}

export function complain(name: string, text: string): void {
  wipe()
  console.error(`${colors.red(name.padEnd(WIDTH))} ${text}`)
  draw()
}

/** What is being done, and since when. */
const underWay = new Map<string, number>()
const { isTTY } = process.stdout

/**
 * Shows that work goes on: by a last line that moves on a terminal, else by a line every five seconds.
 *
 * @param what is being done, such as `preparing the databases`.
 */
export async function during<T>(what: string, work: Promise<T>): Promise<T> {
  underWay.set(what, performance.now())
  draw()
  const show = isTTY ? draw : () => console.log(status())
  const timer = setInterval(show, isTTY ? 100 : 5000)
  try {
    return await work
  } finally {
    clearInterval(timer)
    wipe()
    underWay.delete(what)
    draw()
  }
}

function status(): string {
  return `… ${[...underWay].map(([what, from]) => `${what} ${since(from)}`).join(', ')}`
}

function draw(): void {
  if (!isTTY || underWay.size === 0) return
  // A line that is broken could not be wiped.
  const room = Math.max((process.stdout.columns || 80) - 1, 10)
  process.stdout.write(`\r\x1b[2K${colors.dim(status().slice(0, room))}`)
}

function wipe(): void {
  if (isTTY && underWay.size > 0) process.stdout.write('\r\x1b[2K')
}

/** Seconds since `from`, a value of `performance.now()`. */
export function since(from: number): string {
  return `${((performance.now() - from) / 1000).toFixed(1)} s`
}

const LogLine = Compile(
  Type.Object({
    level: Type.Number(),
    time: Type.Optional(Type.Number()),
    msg: Type.Optional(Type.String()),
    err: Type.Optional(Type.Unknown()),
  }),
)
const Failure = Compile(Type.Object({ message: Type.String() }))
const WARNING = 40
const ERROR = 50
/** Fields of a log line that say nothing to somebody who reads it on the screen. */
const DULL = new Set(['level', 'time', 'pid', 'hostname', 'name', 'msg', 'err'])

/**
 * Shows a line of a service's log if it is a warning or worse, or no line of a log at all.
 *
 * @param from what was logged before, in milliseconds since 1970, is not shown.
 */
export function showLogLine(service: string, line: string, from = 0): void {
  const entry = parse(line)
  if (!LogLine.Check(entry)) {
    if (line.trim() !== '') complain(service, line)
    return
  }
  if (entry.level < WARNING || (entry.time ?? from) < from) return
  const fields = Object.entries(entry)
    .filter(([key, value]) => !DULL.has(key) && ['string', 'number', 'boolean'].includes(typeof value))
    .map(([key, value]) => `${key}=${String(value)}`)
  if (Failure.Check(entry.err)) fields.push(entry.err.message)
  const colour = entry.level >= ERROR ? colors.red : colors.yellow
  say(service, `${colour(entry.msg ?? 'warning')} ${colors.dim(fields.join(' '))}`)
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
