import { Compile } from 'typebox/compile'
import { createVerifier, StaleError, type Clock } from '@portcullis/token-verifier'
import { QuestionSchema, SettingSchema, VERDICTS, type Answer } from './messages.ts'

/** A resource server without routes: verifies the tokens that its parent sends. */
const isQuestion = Compile(QuestionSchema)
const setting = Compile(SettingSchema).Parse(JSON.parse(process.env['CHAOS_SETTING'] ?? '{}'))

let offset = 0
const clock: Clock = { now: () => Date.now() + offset, monotonic: () => performance.now() }
let applied: number[] = []
const MOST_APPLIED = 20_000

const verifier = createVerifier({
  issuer: setting.issuer,
  audience: 'portcullis',
  jwksUrl: `${setting.authUrl}/.well-known/jwks.json`,
  redisUrl: setting.redisUrl,
  feed: { authUrl: setting.authUrl, clientSecret: setting.clientSecret },
  clientId: 'content',
  name: 'chaos',
  maxStalenessSeconds: 2,
  boundedStalenessSeconds: setting.boundedStalenessSeconds,
  clock,
  observer: {
    applied: (_event, latencyMs) => {
      if (applied.length < MOST_APPLIED) applied.push(latencyMs)
    },
  },
})

async function judge(token: string, bounded: boolean): Promise<number> {
  try {
    await verifier.verify(token, { bounded })
    return VERDICTS.accepted
  } catch (error) {
    return error instanceof StaleError ? VERDICTS.undecided : VERDICTS.refused
  }
}

async function answer(message: unknown): Promise<void> {
  if (!isQuestion.Check(message)) return
  if (message.clockOffset !== undefined) offset = message.clockOffset
  if (message.close) await verifier.close()
  const verdicts: number[] = []
  for (const token of message.tokens) verdicts.push(await judge(token, message.bounded))
  if (message.collect) globalThis.gc?.()
  const age = verifier.age()
  const reply: Answer = {
    id: message.id,
    verdicts,
    ready: verifier.ready,
    ageMs: Number.isFinite(age) ? age : -1,
    ...verifier.position,
    applied,
    entries: verifier.entries,
    memory: process.memoryUsage(),
  }
  applied = []
  process.send?.(reply, undefined, undefined, () => {
    if (message.close) process.exit(0)
  })
}

process.on('message', (message) => void answer(message))
process.on('disconnect', () => process.exit(0))
verifier.start()
