import type { Cursors } from '@portcullis/service-kit'

/** Which part of a list is asked for, by ids, newest first. */
export interface PageOfIds {
  /** Only rows with ids below. */
  readonly before: string | undefined
  readonly limit: number
}

/**
 * Reads one page of a list in the order of ids, newest first.
 *
 * @param list names the list with its filters and its owner: a cursor of another one is refused
 * @param read is asked for one row more than the page holds, which tells whether there are more
 * @throws {ProblemError} REQUEST_INVALID for a cursor that was not given out for this list
 */
export async function readPage<T extends { readonly id: string }>(
  cursors: Cursors,
  list: string,
  { limit = 20, cursor }: { readonly limit?: number; readonly cursor?: string },
  read: (page: PageOfIds) => Promise<T[]>,
): Promise<{ rows: T[]; next_cursor: string | null }> {
  const before = cursor === undefined ? undefined : cursors.decode(list, cursor)
  const found = await read({ before, limit: limit + 1 })
  const rows = found.slice(0, limit)
  const last = found.length > limit ? rows.at(-1) : undefined
  return { rows, next_cursor: last ? cursors.encode(list, last.id) : null }
}

/** Every row of such a list, a page at a time, so that a long one never stands in memory. */
export async function* readAll<T extends { readonly id: string }>(
  read: (page: PageOfIds) => Promise<T[]>,
  pageSize = 500,
): AsyncGenerator<T, void, undefined> {
  let before: string | undefined
  do {
    const rows = await read({ before, limit: pageSize })
    yield* rows
    before = rows.length === pageSize ? rows.at(-1)?.id : undefined
  } while (before !== undefined)
}
