import { readFile } from 'node:fs/promises'
import t from 'tap'
import { BEGINS, CREATES, ENDS, FORMS, REPLACES } from '../src/operations.ts'

type Documented = Readonly<Record<string, Readonly<Record<string, object>>>>

async function documented(): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const service of ['auth', 'content']) {
    const url = new URL(`../../../docs/openapi/${service}.json`, import.meta.url)
    const document = JSON.parse(await readFile(url, 'utf8'))
    const paths: Documented = document.paths
    for (const [path, item] of Object.entries(paths))
      for (const [method, operation] of Object.entries(item))
        found.set(`${method.toUpperCase()} ${path}`, expand(operation, document))
  }
  return found
}

/** An operation as text, with every component that it refers to in the place of the reference. */
function expand(value: unknown, document: unknown): string {
  return JSON.stringify(value, (_key, inner) => {
    if (typeof inner?.$ref !== 'string') return inner
    return inner.$ref
      .split('/')
      .slice(1)
      .reduce((at: Record<string, unknown>, name: string) => at[name], document)
  })
}

t.test('every operation that takes an Idempotency-Key is given one, and no other', async (t) => {
  const operations = await documented()
  const taking = [...operations].filter(([, text]) => /"name":"idempotency-key"/i.test(text))
  t.strictSame(taking.map(([name]) => name).toSorted(), [...CREATES].toSorted())
})

t.test('the tokens of every operation that answers with a pair are kept', async (t) => {
  const operations = await documented()
  const giving = [...operations].filter(
    ([name, text]) => name.includes(' /api/') && text.includes('"refresh_expires_in":'),
  )
  t.strictSame(giving.map(([name]) => name).toSorted(), [...BEGINS, ...REPLACES].toSorted())
  for (const name of ENDS) t.ok(operations.has(name), name)
})

t.test('every operation that takes a form is sent one, and no other', async (t) => {
  const operations = await documented()
  const taking = [...operations].filter(([, text]) => text.includes('"application/x-www-form-urlencoded":'))
  t.strictSame(taking.map(([name]) => name).toSorted(), [...FORMS].toSorted())
})
