import {
  BeatSchema,
  readEvent,
  revocationKeys,
  RevocationEventSchema,
  type Beat,
  type RevocationEvent,
} from '@portcullis/schemas'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/schema'

const EntrySchema = Type.Tuple([Type.String(), Type.Array(Type.String())])
const ReplySchema = Type.Union([
  Type.Null(),
  Type.Array(Type.Tuple([Type.String(), Type.Array(EntrySchema)])),
])
type Entry = Static<typeof EntrySchema>

const reply = Compile(ReplySchema)
const entryList = Compile(Type.Array(EntrySchema))
const revocationEvent = Compile(RevocationEventSchema)
const beatOf = Compile(BeatSchema)

/** The position, and the id in Redis, before the first entry of a log. */
export const FRONT = '0-0'

/** What one XREAD on log and beat has brought. */
export interface Read {
  events: RevocationEvent[]
  /** How many entries the log gave, readable or not, and the id of the last of them. */
  logged: number
  logId: string | undefined
  /** Whether the log gave an entry that is no event, and so perhaps stands where one should. */
  isGarbled: boolean
  /** The newest beat that could be read. */
  beat: Beat | undefined
  beatId: string | undefined
}

/**
 * Reads an answer to XREAD. A beat that is none is passed over, and so is an entry that is no event, but that is
 * told.
 *
 * @throws Error if it is no answer to XREAD at all.
 */
export function readReply(answer: unknown): Read {
  if (!reply.Check(answer)) throw new Error('not an answer to XREAD')
  const read: Read = {
    events: [],
    logged: 0,
    logId: undefined,
    isGarbled: false,
    beat: undefined,
    beatId: undefined,
  }
  for (const [key, entries] of answer ?? []) {
    if (key === revocationKeys.log) readLog(entries, read)
    else if (key === revocationKeys.beat) readBeats(entries, read)
  }
  return read
}

/** The id of the newest entry of an answer to XREVRANGE, or 0-0. */
export function readLastId(answer: unknown): string {
  if (!entryList.Check(answer)) throw new Error('not an answer to XREVRANGE')
  return answer[0]?.[0] ?? FRONT
}

function readLog(entries: readonly Entry[], read: Read): void {
  read.logged = entries.length
  read.logId = entries.at(-1)?.[0]
  for (const [id, fields] of entries) {
    const event = readEvent(id, fields)
    if (revocationEvent.Check(event)) read.events.push(event)
    else read.isGarbled = true
  }
}

function readBeats(entries: readonly Entry[], read: Read): void {
  read.beatId = entries.at(-1)?.[0]
  for (let i = entries.length - 1; i >= 0 && !read.beat; i--) {
    const entry = entries[i]
    if (entry) read.beat = readBeat(entry[1])
  }
}

function readBeat(fields: readonly string[]): Beat | undefined {
  try {
    const marks: unknown = JSON.parse(field(fields, 'marks') ?? '')
    const candidate: unknown = {
      epoch: decimal(field(fields, 'epoch')),
      seq: decimal(field(fields, 'seq')),
      base: decimal(field(fields, 'base')),
      marks,
    }
    return beatOf.Check(candidate) ? candidate : undefined
  } catch {
    return undefined
  }
}

/** Of a flat list of names and values. */
function field(fields: readonly string[], name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1]
  return undefined
}

function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined
}
