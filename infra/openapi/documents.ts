import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeOrigin, fetchDocument } from '../dev/openapi.ts'
import { root } from '../dev/places.ts'

/** Where the documents are checked in: of each service, and of the origin that they share. */
export const folder = join(root, 'docs/openapi')

/** The documents by the names of their files, as those two services serve them. */
export async function readDocuments(services: { readonly auth: string; readonly content: string }) {
  const [auth, content] = await Promise.all([
    fetchDocument(`${services.auth}/openapi.json`),
    fetchDocument(`${services.content}/openapi.json`),
  ])
  const documents = { auth, content, portcullis: describeOrigin({ auth, content }) }
  return new Map(Object.entries(documents).map(([name, document]) => [`${name}.json`, textOf(document)]))
}

/** The document as it is checked in; undefined if it is not. */
export function checkedIn(file: string): string | undefined {
  try {
    return readFileSync(join(folder, file), 'utf8')
  } catch {
    return undefined
  }
}

function textOf(document: object): string {
  return `${JSON.stringify(document, null, 2)}\n`
}
