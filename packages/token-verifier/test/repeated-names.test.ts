import fc from 'fast-check'
import t from 'tap'
import { hasRepeatedNames } from '../src/repeated-names.ts'

t.test('no value that was serialized has repeated names', async () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => !hasRepeatedNames(JSON.stringify(value))))
})

t.test('a member that comes twice is found, wherever it stands and however it is spelled', async () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), fc.jsonValue(), (before, name, value) => {
      const literal = JSON.stringify(name)
      const escaped = `"${[...literal.slice(1, -1).matchAll(/\\u....|\\.|./gs)]
        .map(([text]) =>
          text.length === 1 ? `\\u${text.charCodeAt(0).toString(16).padStart(4, '0')}` : text,
        )
        .join('')}"`
      const twice = `{${literal}: ${JSON.stringify(value)} , ${escaped}:0}`
      return hasRepeatedNames(`{"first" : [${JSON.stringify(before)}, ${twice}]}`)
    }),
  )
})

t.test('the same name in different objects is not repeated', async (t) => {
  for (const json of [
    '{"a":{"a":1}}',
    '[{"a":1},{"a":2}]',
    '{"a":"a","b":["b","b"]}',
    '{"a":1,"A":2}',
    '"a"',
    '1',
  ])
    t.notOk(hasRepeatedNames(json), json)
})
