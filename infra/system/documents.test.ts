import t from 'tap'
import { checkedInTypes, TYPED, typesFile, typesOf } from '../openapi/client-types.ts'
import { checkedIn, readDocuments } from '../openapi/documents.ts'
import { lintDocuments } from '../openapi/lint.ts'
import { startPair } from '../test/support/pair.ts'

t.test('the OpenAPI documents', async (t) => {
  const { authUrl, contentUrl, origin } = await startPair(t)
  const documents = await readDocuments({ auth: authUrl, content: contentUrl })

  await t.test('that are checked in are those that the services serve', async (t) => {
    for (const [file, text] of documents)
      t.ok(checkedIn(file) === text, `docs/openapi/${file} is old: npm run openapi writes it`)
    const served: unknown = await (await fetch(`${origin}/openapi.json`)).json()
    t.strictSame(served, JSON.parse(documents.get('portcullis.json') ?? ''))
  })

  await t.test('have nothing that the linter minds, and every example fits its schema', async (t) => {
    t.equal(await lintDocuments([...documents.keys()]), '')
  })

  await t.test('name every schema, describe every answer and give each body an example', async (t) => {
    for (const [file, text] of documents) {
      t.notMatch(text, /Default Response|\/def-\d|x-problems/, file)
      const bare = [...text.matchAll(/"application\/[a-z+-]+": \{\s*"schema": \{[^{}]*\}\s*\}/g)]
      t.strictSame(bare, [], `${file}: a body without an example`)
    }
  })
})

t.test('the types of the client are those of the documents that are checked in', async (t) => {
  for (const service of TYPED) {
    const types = await typesOf(service, checkedIn(`${service}.json`) ?? '')
    t.ok(checkedInTypes(service) === types, `${typesFile(service)} is old: npm run openapi writes it`)
  }
})
