/**
 * Whether an object in this JSON text has two members of one name, of which `JSON.parse` keeps the last and
 * another reader may keep the first (RFC 8259 section 4).
 *
 * @param json text that `JSON.parse` has accepted
 */
export function hasRepeatedNames(json: string): boolean {
  // Of each object that is open, the names seen; of each array, nothing.
  const open: (Set<string> | undefined)[] = []
  let isName = false
  for (let at = 0; at < json.length; at++) {
    switch (json.charAt(at)) {
      case '{':
        open.push(new Set())
        isName = true
        break
      case '[':
        open.push(undefined)
        isName = false
        break
      case '}':
      case ']':
        open.pop()
        break
      case ',':
        isName = open.at(-1) !== undefined
        break
      case '"': {
        const start = at
        at = endOfString(json, start)
        const names = isName ? open.at(-1) : undefined
        if (names && isRepeated(names, json.slice(start, at + 1))) return true
        isName = false
        break
      }
      default:
    }
  }
  return false
}

function isRepeated(names: Set<string>, literal: string): boolean {
  const name = literal.includes('\\') ? String(JSON.parse(literal)) : literal.slice(1, -1)
  if (names.has(name)) return true
  names.add(name)
  return false
}

function endOfString(json: string, start: number): number {
  let at = start + 1
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at
}
