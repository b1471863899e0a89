import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'

const Entries = Type.Record(Type.String(), Type.Unknown())
const DocumentSchema = Type.Object({
  openapi: Type.String(),
  info: Entries,
  paths: Entries,
  components: Type.Optional(Type.Record(Type.String(), Entries)),
})
const Document = Compile(DocumentSchema)
const Paths = Compile(Entries)

export type OpenApiDocument = Static<typeof DocumentSchema>

/** The document that a service serves; a schema decides whether it is one. */
export function parseDocument(value: unknown): OpenApiDocument {
  return Document.Parse(value)
}

/**
 * One document for several services behind one origin. A path that several have is the first one's; a component
 * that two have under one name and with different contents is renamed in the second, `Name` to `<service>Name`.
 *
 * @param documents by the services' names, the first of which gives its version.
 * @param server base URL of them all.
 */
export function mergeDocuments(
  documents: Readonly<Record<string, OpenApiDocument>>,
  info: { title: string; description: string },
  server: string,
): OpenApiDocument & { servers: { url: string }[] } {
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
  return {
    openapi: first.openapi,
    info: { ...first.info, ...info },
    servers: [{ url: server }],
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
