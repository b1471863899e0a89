import { Type, type Static } from 'typebox'
import { EXAMPLE } from './examples.ts'

/**
 * The revocation log as it crosses processes: events, beats and acks, the names of the Redis keys that carry
 * them, and positions in the log. `docs/revocation.md` tells the protocol.
 */

const Counter = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Key = Type.String({ minLength: 1, maxLength: 256 })

/**
 * What a revocation kills. `session`, `token` and `key` kill what is named by `key`; `session_gen`, `user` and
 * `client` kill what is named and carries a `gen` or `ver` below `value`.
 */
export const RevocationKindSchema = Type.Union([
  Type.Literal('session'),
  Type.Literal('session_gen'),
  Type.Literal('user'),
  Type.Literal('token'),
  Type.Literal('client'),
  Type.Literal('key'),
])
export type RevocationKind = Static<typeof RevocationKindSchema>

export const REVOCATION_KINDS: readonly RevocationKind[] = [
  'session',
  'session_gen',
  'user',
  'token',
  'client',
  'key',
]

/** A place in the log. Order is by epoch, then by seq; seq has no holes and is never reset. */
export const PositionSchema = Type.Object({ epoch: Counter, seq: Counter })
export type Position = Static<typeof PositionSchema>

/** One revocation. `value` is 0 where the kind needs none; times are milliseconds since 1970. */
export const RevocationEventSchema = Type.Object({
  epoch: Counter,
  seq: Counter,
  kind: RevocationKindSchema,
  key: Key,
  value: Counter,
  /** When every token that this event concerns has expired by itself. */
  keep_until: Counter,
  /** When it was written, for measuring only; no decision compares it. */
  at: Counter,
})
export type RevocationEvent = Static<typeof RevocationEventSchema>

/** The head of the log: its newest position and `base`, the last seq that has been dropped from its front. */
export const HeadSchema = Type.Object({ epoch: Counter, seq: Counter, base: Counter })
export type Head = Static<typeof HeadSchema>

/** What the relay says ten times a second: the head, and the newest mark it had read of each verifier before. */
export const BeatSchema = Type.Object({
  epoch: Counter,
  seq: Counter,
  base: Counter,
  marks: Type.Record(Type.String(), Type.String({ maxLength: 128 })),
})
export type Beat = Static<typeof BeatSchema>

export const VerifierStateSchema = Type.Union(
  [Type.Literal('joining'), Type.Literal('live'), Type.Literal('leaving')],
  { description: 'Whether the verifier accepts tokens: not yet, now, no longer' },
)
export type VerifierState = Static<typeof VerifierStateSchema>

/**
 * The longest silence of the log, in seconds, after which a verifier may still accept tokens. Whoever falls silent is
 * waited for twice as long, so it bounds for how long one that has died holds up revocations.
 */
export const LONGEST_MAX_AGE_SECONDS = 60

export const VerifierNameSchema = Type.String({
  pattern: '^[A-Za-z0-9_.:-]{1,128}$',
  description: 'Name of the verifier, unique for each start of its process',
})

/** What a verifier says about itself, four times a second and after each batch that it has applied. */
export const AckSchema = Type.Object({
  state: VerifierStateSchema,
  mark: Type.String({
    minLength: 1,
    maxLength: 128,
    description: 'Comes back in an answer or a beat, and tells the verifier how old what it knows is',
  }),
  position: Type.String({
    pattern: '^\\d{1,16}-\\d{1,16}$',
    description: 'Up to which the verifier has applied the log',
  }),
  max_age: Type.Number({
    minimum: 0,
    maximum: LONGEST_MAX_AGE_SECONDS,
    description: 'Seconds of silence of the log after which the verifier stops accepting tokens',
  }),
})
export type Ack = Static<typeof AckSchema>

/**
 * Question of `GET /revocations`. With `verifier` it is that verifier's ack as well: the answer that brings its
 * mark back is given after it stands in the table of those who have to be asked.
 */
export const FeedQuerySchema = Type.Object(
  {
    after: Type.String({
      pattern: '^\\d{1,16}-\\d{1,16}$',
      description: 'Events after this position; `0-0` for all there are',
      examples: ['1-41'],
    }),
    verifier: Type.Optional(VerifierNameSchema),
    mark: Type.Optional(AckSchema.properties.mark),
    position: Type.Optional(AckSchema.properties.position),
    state: Type.Optional(VerifierStateSchema),
    max_age: Type.Optional(AckSchema.properties.max_age),
  },
  { $id: 'RevocationFeedQuery', additionalProperties: false },
)
export type FeedQuery = Static<typeof FeedQuerySchema>

/** Answer of `GET /revocations`: the log for verifiers that have no Redis. */
export const FeedSchema = Type.Object(
  {
    epoch: Counter,
    seq: Counter,
    base: Counter,
    events: Type.Array(RevocationEventSchema, {
      description: 'Those after `after`, oldest first; all there are if that lies before `base`',
    }),
    more: Type.Boolean({ description: 'Whether there are more than this answer holds' }),
    mark: Type.Union([Type.String(), Type.Null()], { description: 'That of the request' }),
  },
  {
    $id: 'RevocationFeed',
    description: 'What has been revoked since',
    examples: [
      {
        epoch: 1,
        seq: 42,
        base: 12,
        events: [
          {
            epoch: 1,
            seq: 42,
            kind: 'session',
            key: EXAMPLE.sessionId,
            value: 0,
            keep_until: 1_795_257_912_481,
            at: 1_795_254_012_481,
          },
        ],
        more: false,
        mark: 'k7Qx2',
      },
    ],
  },
)
export type Feed = Static<typeof FeedSchema>

/** Names of the keys in Redis. They share one hash slot, so that one script and one MGET reach them all. */
export const revocationKeys = {
  /** Stream of events; entry ids are `<epoch>-<seq>`. */
  log: '{revocations}:log',
  /** Stream of beats. */
  beat: '{revocations}:beat',
  /** `<epoch>-<seq>-<base>`; expires 2 s after the last beat, and absent it means: refuse. */
  head: '{revocations}:head',
  /** Hash of a client's verifiers: name → ack as JSON. */
  ack: (clientId: string) => `{revocations}:ack:${clientId}`,
  /** Value of the newest event about one thing; absent means: not revoked. */
  event: (kind: RevocationKind, key: string) => `{revocations}:${kind}:${key}`,
} as const

/** `<epoch>-<seq>`, as in stream ids and the `Revocation-Position` header. */
export function formatPosition(position: Position): string {
  return `${position.epoch}-${position.seq}`
}

/** The position that the text names, or undefined if it names none. */
export function parsePosition(text: string): Position | undefined {
  const match = /^(\d{1,16})-(\d{1,16})$/.exec(text)
  if (!match) return undefined
  const position = { epoch: Number(match[1]), seq: Number(match[2]) }
  return Number.isSafeInteger(position.epoch) && Number.isSafeInteger(position.seq) ? position : undefined
}

/** The one field of an entry in the log. */
export const EVENT_FIELD = 'event'

/**
 * What the field says: `<kind> <value> <keep_until> <at> <key>`. One text and not a field for each, because whoever
 * starts reads a million of them.
 */
export function formatEvent({ kind, value, keep_until, at, key }: RevocationEvent): string {
  return `${kind} ${value} ${keep_until} ${at} ${key}`
}

/** What an entry of the log says, still to be checked against `RevocationEventSchema`; undefined if nothing. */
export function readEvent(id: string, fields: readonly string[]): unknown {
  const position = parsePosition(id)
  const text = fields.length === 2 && fields[0] === EVENT_FIELD ? fields[1] : undefined
  const match = /^(\w+) (\d{1,16}) (\d{1,16}) (\d{1,16}) (.+)$/s.exec(text ?? '')
  if (!position || !match) return undefined
  return {
    epoch: position.epoch,
    seq: position.seq,
    kind: match[1],
    key: match[5],
    value: Number(match[2]),
    keep_until: Number(match[3]),
    at: Number(match[4]),
  }
}

/** Negative if `a` lies before `b`, zero if they are one, positive if `a` lies after `b`. */
export function comparePositions(a: Position, b: Position): number {
  return a.epoch - b.epoch || a.seq - b.seq
}
