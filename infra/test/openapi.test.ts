import t from 'tap'
import { mergeDocuments, parseDocument } from '../dev/openapi.ts'

function document(title: string, paths: object, schemas: object) {
  return parseDocument({ openapi: '3.1.0', info: { title, version: '1' }, paths, components: { schemas } })
}

const reference = (name: string) => ({ get: { schema: { $ref: `#/components/schemas/${name}` } } })
const info = { title: 'Both', description: 'of them' }

t.test('schemas that are the same in both documents appear once', async (t) => {
  const schemas = { Problem: { type: 'object' } }
  const a = document('a', { '/a': reference('Problem') }, schemas)
  const b = document('b', { '/b': reference('Problem') }, schemas)
  t.strictSame(mergeDocuments({ a, b }, info), {
    openapi: '3.1.0',
    info: { version: '1', ...info },
    servers: [{ url: '/', description: 'Where this document was read' }],
    tags: [],
    paths: { '/a': reference('Problem'), '/b': reference('Problem') },
    components: { schemas },
  })
})

t.test(
  'a schema that two documents have under one name and unlike each other keeps its meaning in both',
  async (t) => {
    const a = document('a', { '/a': reference('Item') }, { Item: { type: 'string' } })
    const b = document(
      'b',
      { '/b': reference('Item'), '/c': reference('List') },
      { Item: { type: 'number' }, List: { type: 'array', items: { $ref: '#/components/schemas/Item' } } },
    )
    const merged = mergeDocuments({ a, b }, info)
    t.strictSame(merged.paths, { '/a': reference('Item'), '/b': reference('bItem'), '/c': reference('List') })
    t.strictSame(merged.components, {
      schemas: {
        Item: { type: 'string' },
        bItem: { type: 'number' },
        List: { type: 'array', items: { $ref: '#/components/schemas/bItem' } },
      },
    })
  },
)

t.test('a path that both have is that of the first', async (t) => {
  const a = document('a', { '/health': { get: 'a' } }, {})
  const b = document('b', { '/health': { get: 'b' } }, {})
  t.strictSame(mergeDocuments({ a, b }, info).paths, { '/health': { get: 'a' } })
})

t.test('what is no document is refused', async (t) => {
  t.throws(() => parseDocument({ swagger: '2.0' }))
})
