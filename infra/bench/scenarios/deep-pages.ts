import pg from 'pg'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { median } from '../../dev/statistics.ts'
import type { Pace } from '../compare.ts'
import type { Row } from '../report.ts'
import type { Stage } from '../stage.ts'
import { create, newUser } from '../user.ts'

const POSTS = 1_000_000
const DEEP_PAGE = 10_000
const PAGE = 20

const isPage = Compile(Type.Object({ next_cursor: Type.Union([Type.String(), Type.Null()]) }))

/**
 * The 10,000th page of 20 among 1,000,000 posts, against the first. Every page is read once, right after a write
 * that made the cache forget them all, so that each read goes to the database.
 */
export async function deepPages(stage: Stage, { rounds }: Pace): Promise<Row[]> {
  const user = await newUser(stage)
  await create(stage, user, 'posts', { title: 'The first makes the author', description: '' })
  await fillPosts(stage.setting.databases.content, user.id, POSTS)
  const deep = await cursorOfPage(stage, DEEP_PAGE)

  const first: number[] = []
  const last: number[] = []
  for (let round = 0; round < rounds; round++) {
    await create(stage, user, 'posts', { title: 'Voids the cached pages', description: '' })
    first.push(...(await readPages(stage, undefined)))
    last.push(...(await readPages(stage, deep)))
  }
  const figures = [first, last].map((times) => `${median(times).toFixed(2)} ms`)
  return [
    {
      name: `page ${DEEP_PAGE} of ${POSTS} posts ÷ page 1`,
      figures: `${figures[1]} ÷ ${figures[0]}, medians of ${first.length} reads each`,
      value: median(last) / median(first),
      unit: '×',
      target: { bound: 'at most', value: 1.3 },
    },
  ]
}

/** Writes so many posts of one author straight into the database. */
export async function fillPosts(databaseUrl: string, authorId: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query(
      `insert into posts (author_id, title, description)
       select $1, 'Post ' || n, 'About as long as a short post is.' from generate_series(1, $2::int) n`,
      [authorId, count],
    )
    await client.query('vacuum analyze posts')
  } finally {
    await client.end()
  }
}

/** Walks to a page as a reader does, a hundred posts at a time. */
async function cursorOfPage(stage: Stage, page: number): Promise<string | undefined> {
  let cursor: string | undefined
  for (let read = 0; read < (page - 1) * PAGE; read += 100)
    cursor = (await readPage(stage, cursor, 100)).cursor
  return cursor
}

/** How long each of 20 pages in a row takes, from a cursor on, in milliseconds. */
export async function readPages(stage: Stage, from: string | undefined): Promise<number[]> {
  const times: number[] = []
  let cursor = from
  for (let n = 0; n < 20; n++) {
    const page = await readPage(stage, cursor, PAGE)
    times.push(page.ms)
    cursor = page.cursor
  }
  return times
}

async function readPage(stage: Stage, cursor: string | undefined, limit: number) {
  const query = new URLSearchParams({ limit: String(limit), ...(cursor !== undefined && { cursor }) })
  const began = performance.now()
  const response = await fetch(`${stage.content.url}/api/v1/posts?${query.toString()}`)
  const { next_cursor } = isPage.Parse(await response.json())
  return { ms: performance.now() - began, cursor: next_cursor ?? undefined }
}
