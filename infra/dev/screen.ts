import colors from 'picocolors'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'

const WIDTH = 10

/** A line about a part: `name      text`. */
export function say(name: string, text: string): void {
  console.log(`${colors.cyan(name.padEnd(WIDTH))} ${text}`)
}

export function complain(name: string, text: string): void {
  console.error(`${colors.red(name.padEnd(WIDTH))} ${text}`)
}

/** Seconds since `from`, a value of `performance.now()`. */
export function since(from: number): string {
  return `${((performance.now() - from) / 1000).toFixed(1)} s`
}

const LogLine = Compile(
  Type.Object({
    level: Type.Number(),
    msg: Type.Optional(Type.String()),
    err: Type.Optional(Type.Unknown()),
  }),
)
const Failure = Compile(Type.Object({ message: Type.String() }))
const WARNING = 40
const ERROR = 50
/** Fields of a log line that say nothing to somebody who reads it on the screen. */
const DULL = new Set(['level', 'time', 'pid', 'hostname', 'name', 'msg', 'err'])

/** Shows a line of a service's log if it is a warning or worse, or no line of a log at all. */
export function showLogLine(service: string, line: string): void {
  const entry = parse(line)
  if (!LogLine.Check(entry)) {
    if (line.trim() !== '') complain(service, line)
    return
  }
  if (entry.level < WARNING) return
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
