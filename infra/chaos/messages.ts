import { Type, type Static } from 'typebox'

/** What the run asks a verifier's process, and what that answers. */

/** What became of a token: taken for good, refused (401), or not decided (503). */
export const VERDICTS = { accepted: 0, refused: 1, undecided: 2 } as const

export const SettingSchema = Type.Object({
  issuer: Type.String(),
  authUrl: Type.String(),
  redisUrl: Type.String(),
  clientSecret: Type.String(),
  boundedStalenessSeconds: Type.Number(),
})
export type Setting = Static<typeof SettingSchema>

export const QuestionSchema = Type.Object({
  id: Type.Integer(),
  /** Tokens to judge, in this order. */
  tokens: Type.Array(Type.String()),
  /** As a route does that is marked bounded. */
  bounded: Type.Boolean(),
  /** Sets the clock on the wall off by so many milliseconds. */
  clockOffset: Type.Optional(Type.Number()),
  /** Collects garbage first, if it was started with --expose-gc. */
  collect: Type.Optional(Type.Boolean()),
  /** Says farewell and ends. */
  close: Type.Optional(Type.Boolean()),
})
export type Question = Static<typeof QuestionSchema>

export const AnswerSchema = Type.Object({
  id: Type.Integer(),
  verdicts: Type.Array(Type.Integer()),
  ready: Type.Boolean(),
  /** Infinite ages are told as -1. */
  ageMs: Type.Number(),
  seq: Type.Integer(),
  epoch: Type.Integer(),
  /** Milliseconds from commit to application of what was applied since the last answer. */
  applied: Type.Array(Type.Number()),
  entries: Type.Integer(),
  /** In bytes: of the heap, and of what lies beside it. */
  memory: Type.Object({ heapUsed: Type.Number(), arrayBuffers: Type.Number(), rss: Type.Number() }),
})
export type Answer = Static<typeof AnswerSchema>
