import type { Cursors } from './cursor.ts'

/** Items of a page, where the caller asks for no number. */
export const PAGE_SIZE = 20

/** Which part of a list is asked for, newest first. */
export interface PagePart {
  /** Only rows behind this place in the list. */
  readonly before: string | undefined
  readonly limit: number
}

/** The same of a list in the order of ids: `before` is one. */
export type PageOfIds = PagePart

export interface PageQuery {
  readonly limit?: number | undefined
  /** `next_cursor` of the page before. */
  readonly cursor?: string | undefined
}

export interface Page<T> {
  readonly rows: T[]
  readonly next_cursor: string | null
}

/**
 * Reads one page of a list in the order of ids, newest first; otherwise as `readPageBy`.
 *
 * @throws {ProblemError} REQUEST_INVALID for a cursor that was not given out for this list
 */
export async function readPage<T extends { readonly id: string }>(
  cursors: Cursors,
  list: string,
  query: PageQuery,
  read: (page: PageOfIds) => Promise<T[]>,
): Promise<Page<T>> {
  return readPageBy(cursors, list, query, read, ({ id }) => id)
}

/**
 * Reads one page of a list.
 *
 * @param list names the list with its filters and its owner: a cursor of another one is refused
 * @param read is asked for one row more than the page holds, which tells whether there are more
 * @param placeOf the place of a row in the list, as `read` is given it
 * @throws {ProblemError} REQUEST_INVALID for a cursor that was not given out for this list
 */
export async function readPageBy<T>(
  cursors: Cursors,
  list: string,
  { limit = PAGE_SIZE, cursor }: PageQuery,
  read: (page: PagePart) => Promise<T[]>,
  placeOf: (row: T) => string,
): Promise<Page<T>> {
  const before = cursor === undefined ? undefined : cursors.decode(list, cursor)
  const found = await read({ before, limit: limit + 1 })
  const rows = found.slice(0, limit)
  const last = found.length > limit ? rows.at(-1) : undefined
  return { rows, next_cursor: last ? cursors.encode(list, placeOf(last)) : null }
}

/** Every row of a list in the order of ids, a page at a time, so that a long one never stands in memory. */
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
