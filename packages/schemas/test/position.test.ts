import t from 'tap'
import fc from 'fast-check'
import { comparePositions, formatPosition, parsePosition } from '@portcullis/schemas'

const position = fc.record({ epoch: fc.maxSafeNat(), seq: fc.maxSafeNat() }, { noNullPrototype: true })

t.test('a position reads back as it was written', async (t) => {
  fc.assert(
    fc.property(position, (p) => {
      t.strictSame(parsePosition(formatPosition(p)), p)
    }),
    { numRuns: 50 },
  )
})

t.test('positions order by epoch, then by seq', async (t) => {
  t.ok(comparePositions({ epoch: 1, seq: 9 }, { epoch: 2, seq: 1 }) < 0)
  t.ok(comparePositions({ epoch: 2, seq: 2 }, { epoch: 2, seq: 1 }) > 0)
  t.equal(comparePositions({ epoch: 2, seq: 1 }, { epoch: 2, seq: 1 }), 0)
})

t.test('text that names no position is refused', async (t) => {
  for (const text of [
    '',
    '1',
    '1-',
    '-1',
    '1-2-3',
    'a-b',
    '1-99999999999999999999',
    ' 1-2',
    '9999999999999999-1',
  ])
    t.equal(parsePosition(text), undefined, JSON.stringify(text))
})
