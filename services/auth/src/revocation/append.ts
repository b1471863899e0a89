import type { Result } from 'ioredis'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import {
  EVENT_FIELD,
  formatEvent,
  formatPosition,
  parsePosition,
  revocationKeys,
  type Head,
  type Position,
  type RevocationEvent,
} from '@portcullis/schemas'
import type { RedisClient } from '@portcullis/service-kit'
import { limitOf } from './plausible.ts'

/**
 * Sets the key that an event can be looked up by. As a replica does, it keeps the larger value and the later time: while
 * a log that was lost is written again, older events come by once more.
 * To be called before the entry is added: of a script that fails nothing is undone, and an entry that is there is not
 * looked at again.
 */
const REMEMBER = `
local function remember(key, value, keep_until)
  local held = tonumber(redis.pcall('GET', key))
  if not held then return redis.call('SET', key, value, 'PXAT', keep_until) end
  local left = redis.call('PTTL', key)
  if held > tonumber(value) then value = string.format('%.0f', held) end
  redis.call('SET', key, value, 'PXAT', keep_until)
  if left > 0 and left > redis.call('PTTL', key) then redis.call('SET', key, value, 'PX', left) end
end
`

/**
 * Brings Redis up to the head of the log, in one step that nobody sees the middle of: appends events, sets the
 * key that each event can be looked up by, drops what lies before `base`, and says the beat if and only if the
 * stream then holds everything from `base` to the head.
 *
 * All events after `base` are of the head's epoch, since a new epoch begins with an empty log. Of these answers the first
 * that applies is given, with the id that the stream ends with:
 *
 * - `dropped`: the stream ends beyond the limit, or one of the entries looked at is not ours; it was deleted
 * - `older`: it holds events of an older epoch. It is kept until the caller has read it, which nobody may have done who knew what the
 *   database has lost, and passes `older` as `before`
 * - `conflict`: it holds another event under the id of one of these
 * - `hole`: the events do not follow its end
 * - `ahead`: it ends beyond the head
 * - `behind`: it ends before the head
 * - `damaged`: entries are missing between base and head. It is deleted, and the answer is `dropped`, once the caller
 *   passes `damaged` as `before`
 * - `ok`: it holds everything from base to the head, and the beat was said
 *
 * KEYS: log, beat, head. ARGV: epoch, seq, base, before (the answer that the caller has just had), marks, epoch and seq of
 * the limit, then five for each event: seq, key to set, its value, keep_until, what the entry says.
 */
const SCRIPT = `${REMEMBER}
local log, beat, head = KEYS[1], KEYS[2], KEYS[3]
local epoch, seq, base = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local before, marks = ARGV[4], ARGV[5]
local limit_epoch, limit_seq = tonumber(ARGV[6]), tonumber(ARGV[7])
for _, stream in ipairs({ log, beat }) do
  local type = redis.call('TYPE', stream).ok
  if type ~= 'stream' and type ~= 'none' then redis.call('DEL', stream) end
end
local last = '0-0'
if redis.call('EXISTS', log) == 1 then
  local info = redis.call('XINFO', 'STREAM', log)
  for i = 1, #info, 2 do if info[i] == 'last-generated-id' then last = info[i + 1] end end
end
local last_epoch, last_seq = string.match(last, '^(%d+)-(%d+)$')
last_epoch, last_seq = tonumber(last_epoch), tonumber(last_seq)
local can_be = last_epoch <= limit_epoch and last_seq <= limit_seq

local function drop()
  redis.call('DEL', log)
  return { 'dropped', '0-0' }
end
local function ours(entry)
  local fields = entry[2]
  return #fields == 2 and fields[1] == '${EVENT_FIELD}' and string.match(fields[2], '^[%w_]+ %d+ %d+ %d+ .') ~= nil
end

if not can_be then return drop() end
if last_epoch > 0 and last_epoch < epoch and before ~= 'older' and redis.call('XLEN', log) > 0 then return { 'older', last } end
local is_ahead = last_epoch > epoch or (last_epoch == epoch and last_seq > seq)
if is_ahead then
  local entry = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  if entry and not ours(entry) then return drop() end
end

for i = 8, #ARGV, 5 do
  local at = tonumber(ARGV[i])
  local id = ARGV[1] .. '-' .. ARGV[i]
  if last_epoch > epoch then break end
  if last_epoch == epoch and at <= last_seq then
    local entry = redis.call('XRANGE', log, id, id)[1]
    if entry then
      if not ours(entry) then return drop() end
      if entry[2][2] ~= ARGV[i + 4] then return { 'conflict', last } end
    end
  elseif at ~= (last_epoch == epoch and math.max(last_seq, base) or base) + 1 then
    return { 'hole', last }
  else
    remember(ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
    redis.call('XADD', log, id, '${EVENT_FIELD}', ARGV[i + 4])
    last, last_epoch, last_seq = id, epoch, at
  end
end
if is_ahead then return { 'ahead', last } end

redis.call('XTRIM', log, 'MINID', ARGV[1] .. '-' .. string.format('%.0f', base + 1))
local kept = last_epoch == epoch and last_seq - base or 0
if last_epoch == epoch and last_seq < seq or last_epoch < epoch and base < seq then return { 'behind', last } end
if redis.call('XLEN', log) ~= kept then
  if before == 'damaged' then return drop() end
  return { 'damaged', last }
end
redis.call('XADD', beat, 'MAXLEN', '~', 100, '*', 'epoch', ARGV[1], 'seq', ARGV[2], 'base', ARGV[3], 'marks', marks)
redis.call('SET', head, ARGV[1] .. '-' .. ARGV[2] .. '-' .. ARGV[3], 'PX', 2000)
return { 'ok', last }
`

/**
 * Appends events that follow each other if the first follows the end of the stream, and says no beat. Answers 1 if it did.
 *
 * KEYS: log. ARGV: id of the event before the first, then five for each event: id, key to set, its value, keep_until,
 * what the entry says.
 */
const CARRY_SCRIPT = `${REMEMBER}
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if not newest or newest[1] ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 5 do
  remember(ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
  redis.call('XADD', KEYS[1], ARGV[i], '${EVENT_FIELD}', ARGV[i + 4])
end
return 1
`

declare module 'ioredis' {
  interface RedisCommander<Context> {
    carryRevocations(...args: (string | number)[]): Result<unknown, Context>
    appendRevocations(...args: (string | number)[]): Result<unknown, Context>
  }
}

const StatusSchema = Type.Union([
  Type.Literal('dropped'),
  Type.Literal('older'),
  Type.Literal('conflict'),
  Type.Literal('hole'),
  Type.Literal('ahead'),
  Type.Literal('behind'),
  Type.Literal('damaged'),
  Type.Literal('ok'),
])

/** How the append went, and the last id of the stream after it. */
export interface Appended {
  readonly status: Type.Static<typeof StatusSchema>
  readonly last: Position
}

const isAnswer = Compile(Type.Tuple([StatusSchema, Type.String()]))

/** Lets the client run the scripts by their digests. */
export function defineAppend(redis: RedisClient): void {
  redis.defineCommand('carryRevocations', { lua: CARRY_SCRIPT, numberOfKeys: 1 })
  redis.defineCommand('appendRevocations', { lua: SCRIPT, numberOfKeys: 3 })
}

/**
 * @param events in the order of the log, those that the stream may lack
 * @param marks newest mark read of each verifier, by name
 * @param before the answer that the caller has just had, and has done what it asks for
 */
export async function appendToRedis(
  redis: RedisClient,
  head: Head,
  events: readonly RevocationEvent[],
  marks: Readonly<Record<string, string>>,
  before: Appended['status'],
): Promise<Appended> {
  const limit = limitOf(head)
  const answer = await redis.appendRevocations(
    revocationKeys.log,
    revocationKeys.beat,
    revocationKeys.head,
    head.epoch,
    head.seq,
    head.base,
    before,
    JSON.stringify(marks),
    limit.epoch,
    limit.seq,
    ...events.flatMap((event) => [event.seq, ...fieldsOf(event)]),
  )
  const last = isAnswer.Check(answer) ? parsePosition(answer[1]) : undefined
  if (!isAnswer.Check(answer) || !last) throw new Error('the append script answered in another shape')
  return { status: answer[0], last }
}

/** The key that an event can be looked up by, its value there and for how long, and the entry. */
function fieldsOf(event: RevocationEvent): (string | number)[] {
  const { kind, key, value, keep_until } = event
  return [revocationKeys.event(kind, key), value, keep_until, formatEvent(event)]
}

/**
 * Carries events that were just committed and follow each other, if the stream ends with the one before them.
 *
 * @returns whether it does; else the log has to be looked at
 */
export async function carryToRedis(redis: RedisClient, events: readonly RevocationEvent[]): Promise<boolean> {
  const [first] = events
  if (!first) return true
  const before = formatPosition({ epoch: first.epoch, seq: first.seq - 1 })
  const fields = events.flatMap((event) => [formatPosition(event), ...fieldsOf(event)])
  return (await redis.carryRevocations(revocationKeys.log, before, ...fields)) === 1
}
