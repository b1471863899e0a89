import { IncomingMessage, ServerResponse, type OutgoingHttpHeader } from 'node:http'
import { Socket } from 'node:net'

/** By these Node decides how the message ends, or which lines of its own to add. */
const SEEN_BY_NODE: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'expect',
  'keep-alive',
  'trailer',
  'transfer-encoding',
])
/** Each answer has its own. */
const OWN: ReadonlySet<string> = new Set(['x-request-id', 'ratelimit-policy', 'ratelimit'])

export interface StoredHead {
  readonly seenByNode: Readonly<Record<string, string>>
  /** The other headers, as they are sent: Node has checked them when they were sent the first time. */
  readonly lines: string
}

/** @param headers of an answer that has been sent */
export function storedHead(headers: Readonly<Record<string, OutgoingHttpHeader | undefined>>): StoredHead {
  const texts = Object.entries(headers).map(([name, value]) => [name, String(value)] as const)
  const others = texts.filter(([name]) => !SEEN_BY_NODE.has(name) && !OWN.has(name))
  return {
    seenByNode: Object.fromEntries(texts.filter(([name]) => SEEN_BY_NODE.has(name))),
    lines: others.map(([name, value]) => lineOf(name, value)).join(''),
  }
}

/**
 * Writes the head of an answer, of which the most has been sent before, without having Node check each of its headers
 * anew: lines are put into the head that Node has made.
 *
 * @param own headers of this answer alone, made by ourselves: nothing of the request may be in them.
 */
export function writeHead(
  response: ServerResponse,
  status: number,
  { seenByNode, lines }: StoredHead,
  own: Readonly<Record<string, string>>,
): ServerResponse {
  response.writeHead(status, seenByNode)
  let added = lines
  for (const name in own) added += lineOf(name, own[name] ?? '')
  response[HEAD] = `${response[HEAD].slice(0, -END.length)}${added}${END}`
  return response
}

/** Whether Node keeps the head where this looks for it. */
export function canAddLines(): boolean {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  response.writeHead(200)
  const head: unknown = Reflect.get(response, HEAD)
  return typeof head === 'string' && head.startsWith('HTTP/1.1 200 OK') && head.endsWith(END + END)
}

const END = '\r\n'
/** The head as text, once Node has made it and before it is sent: a field of Node's own, and the only way in. */
const HEAD = '_header'

function lineOf(name: string, value: string): string {
  return `${name}: ${value}\r\n`
}

declare module 'node:http' {
  interface ServerResponse {
    [HEAD]: string
  }
}
