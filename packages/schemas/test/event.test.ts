import fc from 'fast-check'
import t from 'tap'
import { Value } from 'typebox/value'
import {
  EVENT_FIELD,
  formatEvent,
  formatPosition,
  readEvent,
  REVOCATION_KINDS,
  RevocationEventSchema,
} from '@portcullis/schemas'

const counter = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const events = fc.record(
  {
    epoch: counter,
    seq: counter,
    kind: fc.constantFrom(...REVOCATION_KINDS),
    key: fc.string({ minLength: 1, maxLength: 256 }),
    value: counter,
    keep_until: counter,
    at: counter,
  },
  { noNullPrototype: true },
)

t.test('an event is read as it was written, whatever its key', (t) => {
  fc.assert(
    fc.property(events, (event) => {
      const read = readEvent(formatPosition(event), [EVENT_FIELD, formatEvent(event)])
      t.strictSame(read, event)
      t.ok(Value.Check(RevocationEventSchema, read))
    }),
    { numRuns: 200 },
  )
  t.end()
})

t.test('what is no event is read as none', (t) => {
  const good = 'session 0 4000000000000 1 s'
  for (const [id, ...fields] of [
    ['1-1'],
    ['1-1', 'event'],
    ['1-1', 'other', good],
    ['1-1', 'event', good, 'more', 'x'],
    ['1', 'event', good],
    ['1-99999999999999999', 'event', good],
    ['1-1', 'event', ''],
    ['1-1', 'event', 'session 0 4000000000000 1 '],
    ['1-1', 'event', 'session 0 4000000000000 s'],
    ['1-1', 'event', 'session -1 4000000000000 1 s'],
    ['1-1', 'event', 'session  0 4000000000000 1 s'],
    ['1-1', 'event', 'session 0 1e5 1 s'],
  ])
    t.equal(readEvent(id ?? '', fields), undefined, fields.join())
  t.notOk(Value.Check(RevocationEventSchema, readEvent('1-1', ['event', 'nonsense 0 1 1 x'])))
  t.end()
})
