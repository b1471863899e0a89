import type { Redis, Result } from 'ioredis'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import {
  formatPosition,
  parsePosition,
  revocationKeys,
  type Head,
  type Position,
  type RevocationEvent,
} from '@portcullis/schemas'

/**
 * Brings Redis up to the head of the log, in one step that nobody sees the middle of: appends events, sets the
 * key that each event can be looked up by, drops what lies before `base`, and says the beat if and only if the
 * stream then reaches the head.
 *
 * An event whose id is there already is a duplicate if its fields are equal and a conflict if not; one that
 * does not follow the last id is a hole. Either ends the script, and the answer tells where the stream stands,
 * so that the caller can send what is missing.
 *
 * KEYS: log, beat, head. ARGV: epoch, seq, base, first id to keep or '', marks, then eight for each event:
 * epoch, seq, key to set, kind, key, value, keep_until, at.
 */
const SCRIPT = `
local function split(id)
  local epoch, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(epoch), tonumber(seq)
end
local log, beat, head = KEYS[1], KEYS[2], KEYS[3]
local last = '0-0'
if redis.call('EXISTS', log) == 1 then
  local info = redis.call('XINFO', 'STREAM', log)
  for i = 1, #info, 2 do if info[i] == 'last-generated-id' then last = info[i + 1] end end
end
local last_epoch, last_seq = split(last)
local base = tonumber(ARGV[3])
local status = 'ok'
for i = 6, #ARGV, 8 do
  local epoch, seq = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local id = ARGV[i] .. '-' .. ARGV[i + 1]
  local fields = { 'kind', ARGV[i + 3], 'key', ARGV[i + 4], 'value', ARGV[i + 5], 'keep_until', ARGV[i + 6], 'at', ARGV[i + 7] }
  if epoch < last_epoch or (epoch == last_epoch and seq <= last_seq) then
    local entry = redis.call('XRANGE', log, id, id)[1]
    if entry then
      for j = 1, #fields do if entry[2][j] ~= fields[j] then status = 'conflict' end end
    end
  elseif seq > math.max(last_seq, base) + 1 then
    status = 'hole'
  else
    redis.call('XADD', log, id, unpack(fields))
    redis.call('SET', ARGV[i + 2], ARGV[i + 5], 'PXAT', ARGV[i + 6])
    last, last_epoch, last_seq = id, epoch, seq
  end
  if status ~= 'ok' then return { status, last } end
end
if ARGV[4] ~= '' then redis.call('XTRIM', log, 'MINID', ARGV[4]) else redis.call('XTRIM', log, 'MAXLEN', 0) end
local head_epoch, head_seq = tonumber(ARGV[1]), tonumber(ARGV[2])
-- In an older epoch the stream may lie ahead: those entries were lost in PostgreSQL, and the epoch covers them.
local reached = last_epoch < head_epoch and last_seq >= head_seq or last_epoch == head_epoch and last_seq == head_seq
if reached or last == '0-0' and base == head_seq then
  redis.call('XADD', beat, 'MAXLEN', '~', 100, '*', 'epoch', ARGV[1], 'seq', ARGV[2], 'base', ARGV[3], 'marks', ARGV[5])
  redis.call('SET', head, ARGV[1] .. '-' .. ARGV[2] .. '-' .. ARGV[3], 'PX', 2000)
  return { 'ok', last }
end
return { 'behind', last }
`

declare module 'ioredis' {
  interface RedisCommander<Context> {
    appendRevocations(...args: (string | number)[]): Result<unknown, Context>
  }
}

/** How the append went, and the last id of the stream after it. */
export interface Appended {
  /** `behind`: the stream does not reach the head yet, and no beat was said. */
  readonly status: 'ok' | 'behind' | 'hole' | 'conflict'
  readonly last: Position
}

const isAnswer = Compile(
  Type.Tuple([
    Type.Union([Type.Literal('ok'), Type.Literal('behind'), Type.Literal('hole'), Type.Literal('conflict')]),
    Type.String(),
  ]),
)

/** Lets the client run the script by its digest. */
export function defineAppend(redis: Redis): void {
  redis.defineCommand('appendRevocations', { lua: SCRIPT, numberOfKeys: 3 })
}

/**
 * @param events in the order of the log, those that the stream may lack
 * @param firstKept position of the oldest event after `base`; what lies before it is dropped
 * @param marks newest mark read of each verifier, by name
 */
export async function appendToRedis(
  redis: Redis,
  head: Head,
  events: readonly RevocationEvent[],
  firstKept: Position | undefined,
  marks: Readonly<Record<string, string>>,
): Promise<Appended> {
  const answer = await redis.appendRevocations(
    revocationKeys.log,
    revocationKeys.beat,
    revocationKeys.head,
    head.epoch,
    head.seq,
    head.base,
    firstKept ? formatPosition(firstKept) : '',
    JSON.stringify(marks),
    ...events.flatMap((event) => [
      event.epoch,
      event.seq,
      revocationKeys.event(event.kind, event.key),
      event.kind,
      event.key,
      event.value,
      event.keep_until,
      event.at,
    ]),
  )
  const last = isAnswer.Check(answer) ? parsePosition(answer[1]) : undefined
  if (!isAnswer.Check(answer) || !last) throw new Error('the append script answered in another shape')
  return { status: answer[0], last }
}
