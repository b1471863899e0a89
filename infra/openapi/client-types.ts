import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import openapiTS, { astToString } from 'openapi-typescript'
import { root } from '../dev/places.ts'

/** Services of which the client has types. */
export const TYPED = ['auth', 'content'] as const

export type TypedService = (typeof TYPED)[number]

/** Where a service's types are kept, from the root. */
export function typesFile(service: TypedService): string {
  return `packages/client/src/generated/${service}.ts`
}

/** The types of a service's operations as they are checked in. */
export function checkedInTypes(service: TypedService): string {
  return readFileSync(join(root, typesFile(service)), 'utf8')
}

/** @param document of the service, as text. */
export async function typesOf(service: TypedService, document: string): Promise<string> {
  const nodes = await openapiTS(document, { immutable: true, alphabetize: true })
  return `// Generated from docs/openapi/${service}.json by \`npm run openapi\`.\n\n${astToString(nodes)}`
}
