import type { App } from '@portcullis/service-kit'
import { read } from './content.ts'

interface Page<T> {
  readonly items: T[]
  readonly next_cursor: string | null
}

/** Reads a list from its first page to its last. */
export async function readAll<T>(
  app: App,
  url: string,
  schema: { Check(value: unknown): value is Page<T> },
  headers: Record<string, string> = {},
): Promise<T[][]> {
  const pages: T[][] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page: Page<T> = read(await app.inject({ url: url + query, headers }), 200, schema)
    pages.push(page.items)
    cursor = page.next_cursor
  }
  return pages
}
