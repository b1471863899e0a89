import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'

const Entries = Type.Record(Type.String(), Type.Unknown())
const DocumentSchema = Type.Object({
  openapi: Type.String(),
  info: Entries,
  paths: Entries,
  components: Type.Optional(Type.Record(Type.String(), Entries)),
  tags: Type.Optional(
    Type.Array(Type.Object({ name: Type.String(), description: Type.Optional(Type.String()) })),
  ),
})
const Document = Compile(DocumentSchema)
const Paths = Compile(Entries)

export type OpenApiDocument = Static<typeof DocumentSchema>

/** Reads the document that is served there. @throws ParseError if it is none */
export async function fetchDocument(url: string): Promise<OpenApiDocument> {
  const response = await fetch(url)
  return Document.Parse(await response.json())
}

/** @throws ParseError if it is no document. */
export function parseDocument(value: unknown): OpenApiDocument {
  return Document.Parse(value)
}

/**
 * One document for several services behind one origin. A path that several have is the first one's; a component
 * that two have under one name and with different contents is renamed in the second, `Name` to `<service>Name`.
 *
 * @param documents by the services' names, the first of which gives its version.
 * @param firstTags names of the tags that are shown first, in their order.
 */
export function mergeDocuments(
  documents: Readonly<Record<string, OpenApiDocument>>,
  info: { title: string; description: string },
  firstTags: readonly string[] = [],
): OpenApiDocument & { servers: { url: string; description: string }[] } {
  const [first] = Object.values(documents)
  if (first === undefined) throw new Error('there is no document to merge')
  const paths: Record<string, unknown> = {}
  const components: Record<string, Record<string, unknown>> = {}
  for (const [service, document] of Object.entries(documents)) {
    const renamed = renameConflicts(service, document, components)
    for (const [path, item] of Object.entries(renamed.paths)) paths[path] ??= item
    for (const [kind, entries] of Object.entries(renamed.components ?? {})) {
      components[kind] = { ...components[kind], ...entries }
    }
  }
  const tags = new Map(
    Object.values(documents).flatMap((document) =>
      (document.tags ?? []).map((tag) => [tag.name, tag] as const),
    ),
  )
  const order = new Set([...firstTags, ...tags.keys()])
  return {
    openapi: first.openapi,
    info: { ...first.info, ...info },
    servers: [{ url: '/', description: 'Where this document was read' }],
    tags: [...order].flatMap((name) => tags.get(name) ?? []),
    paths,
    components,
  }
}

function renameConflicts(
  service: string,
  document: OpenApiDocument,
  taken: Record<string, Record<string, unknown>>,
): OpenApiDocument {
  const names = new Map<string, string>()
  for (const [kind, entries] of Object.entries(document.components ?? {})) {
    for (const [name, entry] of Object.entries(entries)) {
      const other = taken[kind]?.[name]
      if (other === undefined || JSON.stringify(other) === JSON.stringify(entry)) continue
      names.set(`#/components/${kind}/${name}`, `#/components/${kind}/${service}${name}`)
    }
  }
  if (names.size === 0) return document
  const components: Record<string, Record<string, unknown>> = {}
  for (const [kind, entries] of Object.entries(document.components ?? {})) {
    components[kind] = Object.fromEntries(
      Object.entries(entries).map(([name, entry]) => {
        const target = names.get(`#/components/${kind}/${name}`)
        return [target?.split('/').at(-1) ?? name, renameReferences(entry, names)]
      }),
    )
  }
  return { ...document, components, paths: Paths.Parse(renameReferences(document.paths, names)) }
}

function renameReferences(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => renameReferences(item, names))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]: [string, unknown]) =>
      key === '$ref' && typeof item === 'string'
        ? [key, names.get(item) ?? item]
        : [key, renameReferences(item, names)],
    ),
  )
}

const DESCRIPTION = `Tokens that verify offline like a JWT and die at once like a session.

**To try it here**: \`POST /api/v1/signup\`, then \`POST /api/v1/login\`, copy \`access_token\` from the answer, press
**Authorize** and paste it under *bearer*. Then write a post; after \`POST /api/v1/logout\` no service takes the token
any more.

- A login opens a session and gives a pair: an access token for 15 minutes, which every service verifies by itself, and
  a refresh token, which \`POST /api/v1/refresh\` exchanges once for the next pair.
- What revokes tokens answers 200 when no verifier accepts them any more, and 202 with the same body when that is
  decided and not every verifier has said so within a second.
- Every error is a [problem document](https://www.rfc-editor.org/rfc/rfc9457). Its \`code\` is stable, its \`type\` leads to
  [a page about it](/problems), its \`instance\` is the id of the request, which is the header \`X-Request-Id\`, too. The
  routes under \`/oauth\` answer errors as RFC 6749 has them.
- \`ETag\` is the version of what is answered: \`If-None-Match\` on reads, \`If-Match\` on writes.
- \`Idempotency-Key\` makes a creation safe to repeat for 24 hours.
- JSON fields and query parameters that are not known are refused.
- Lists are newest first, \`?limit=\` items a page, \`?cursor=\` the \`next_cursor\` of the page before.`

/** The document of the origin that both services share. */
export function describeOrigin(documents: {
  readonly auth: OpenApiDocument
  readonly content: OpenApiDocument
}) {
  const { auth, content } = documents
  const info = { title: 'Portcullis', description: DESCRIPTION }
  return mergeDocuments({ auth, content }, info, ['users', 'sessions', 'posts', 'tasks'])
}
