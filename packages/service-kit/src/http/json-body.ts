import type { FieldError } from '@portcullis/schemas'
import { problem } from '../problems/problem.ts'
import { escapePointer, shorten, UNKNOWN } from '../problems/validation.ts'

/** More members than any schema here has; bounds the work that validation does on a hostile body. */
const MAX_MEMBERS = 1000
const MAX_DEPTH = 32

const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Parses a JSON body. An empty one gives undefined, so that clients may send the content type always; a route
 * that needs a body refuses undefined by its schema.
 *
 * @throws {ProblemError} REQUEST_MALFORMED for what is not UTF-8 or not JSON or too deep or too wide, and
 * REQUEST_INVALID for names that are given twice, of which `JSON.parse` would keep the last, and `__proto__`.
 */
export function parseJsonBody(body: Buffer): unknown {
  if (body.length === 0) return undefined
  let text: string
  let value: unknown
  try {
    text = decoder.decode(body)
    value = JSON.parse(text)
  } catch {
    throw problem('REQUEST_MALFORMED', { detail: 'The body is not valid JSON.' })
  }
  if (typeof value === 'object' && value !== null) checkNames(text)
  return value
}

interface Level {
  readonly pointer: string
  /** Names seen, or undefined in an array. */
  readonly names: Set<string> | undefined
  index: number
  /** The name or index whose value is being read. */
  current: string
}

/** Walks over valid JSON and refuses names that are repeated in their object. */
function checkNames(text: string): void {
  const levels: Level[] = []
  const errors: FieldError[] = []
  let members = 0
  let isName = false

  for (let at = 0; at < text.length; at += 1) {
    const level = levels.at(-1)
    switch (text.charAt(at)) {
      case '{':
      case '[': {
        const names = text[at] === '{' ? new Set<string>() : undefined
        const pointer = level === undefined ? '' : `${level.pointer}/${escapePointer(level.current)}`
        levels.push({ pointer, names, index: 0, current: '0' })
        if (levels.length > MAX_DEPTH)
          throw problem('REQUEST_MALFORMED', { detail: 'The body is nested too deeply.' })
        isName = names !== undefined
        break
      }
      case '}':
      case ']':
        levels.pop()
        break
      case ',':
        if (level === undefined) break
        level.index += 1
        level.current = String(level.index)
        isName = level.names !== undefined
        members += 1
        if (members > MAX_MEMBERS)
          throw problem('REQUEST_MALFORMED', { detail: 'The body has too many members.' })
        break
      case '"': {
        const end = endOfString(text, at)
        if (isName && level?.names !== undefined) {
          noteName(text.slice(at, end + 1), level, errors)
          isName = false
        }
        at = end
        break
      }
      default:
    }
  }
  if (errors.length > 0) throw problem('REQUEST_INVALID', { errors })
}

function noteName(literal: string, level: Level, errors: FieldError[]): void {
  const name: unknown = literal.includes('\\') ? JSON.parse(literal) : literal.slice(1, -1)
  if (typeof name !== 'string' || level.names === undefined) return
  level.current = shorten(name)
  const pointer = `${level.pointer}/${escapePointer(level.current)}`
  if (name === '__proto__') errors.push({ pointer, code: 'unknown', detail: UNKNOWN })
  else if (level.names.has(name))
    errors.push({ pointer, code: 'repeated', detail: 'is given more than once' })
  level.names.add(name)
}

function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}
