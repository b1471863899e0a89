import pg from 'pg'
import { Compile } from 'typebox/compile'
import { TokenPairSchema } from '@portcullis/schemas'
import { median } from '../../dev/statistics.ts'
import { measure, type Pace } from '../compare.ts'
import { growth, type Row } from '../report.ts'
import type { Stage } from '../stage.ts'
import { create, newUser, post } from '../user.ts'
import { fillPosts, readPages } from './deep-pages.ts'

const isPair = Compile(TokenPairSchema)

/**
 * A page of 20 out of the database, by how many posts there are: in reads of one row by the reference, which are made in
 * turns with it, since the sizes come one after the other and the machine does not stay as fast as it was.
 */
export async function postGrowth(stage: Stage, { rounds }: Pace): Promise<Row[]> {
  const user = await newUser(stage)
  await create(stage, user, 'posts', { title: 'The first makes the author', description: '' })
  const row = `${(await stage.reference()).url}/tasks/${await create(stage, user, 'tasks', { title: 'One row' })}`
  const rowsAPage = async () => {
    const ratios: number[] = []
    for (let round = 0; round < 3 * rounds; round++) {
      await create(stage, user, 'posts', { title: 'Voids the cached pages', description: '' })
      const pages = await readPages(stage, undefined)
      ratios.push(median(pages) / median(await readRow(row, pages.length)))
    }
    return median(ratios)
  }
  const points: [size: number, rowReads: number][] = []
  let posts = 0
  for (const size of [1e4, 1e5, 1e6]) {
    await fillPosts(stage.setting.databases.content, user.id, size - posts)
    // Both servers become faster with their first requests, and not by as much.
    if (posts === 0) await rowsAPage()
    posts = size
    points.push([size, await rowsAPage()])
  }
  return [growth('a page of 20 by posts', 'reads of a row', points, 1.3)]
}

async function readRow(url: string, times: number): Promise<number[]> {
  const took: number[] = []
  for (let n = 0; n < times; n++) {
    const began = performance.now()
    await (await fetch(url)).json()
    took.push(performance.now() - began)
  }
  return took
}

/** `POST /refresh` by how many sessions its user has. */
export async function sessionGrowth(stage: Stage, { rounds }: Pace): Promise<Row[]> {
  const user = await newUser(stage)
  const points: [size: number, ms: number][] = []
  let token = user.pair.refresh_token
  let sessions = 1
  for (const size of [1, 10, 100, 1000, 10_000]) {
    await copySessions(stage.setting.databases.auth, user.id, size - sessions)
    sessions = size
    const times: number[] = []
    for (let n = 0; n < 20 * rounds; n++) {
      const began = performance.now()
      const answer = await post(`${stage.auth.url}/api/v1/refresh`, { refresh_token: token })
      times.push(performance.now() - began)
      token = isPair.Parse(answer).refresh_token
    }
    points.push([size, median(times)])
  }
  return [growth('POST /refresh by sessions of the user', 'ms', points)]
}

/** CPU time of a request by how many connections ask at once. */
export async function connectionGrowth(stage: Stage, { seconds }: Pace): Promise<Row[]> {
  const user = await newUser(stage)
  const id = await create(stage, user, 'tasks', { title: 'A task to be read' })
  const points: [size: number, micros: number][] = []
  for (const connections of [8, 32, 128, 512, 1024]) {
    const load = { server: stage.content, path: `/api/v1/tasks/${id}`, headers: user.headers, connections }
    await measure(load, 1)
    points.push([connections, (await measure(load, seconds)).cpuMicros])
  }
  return [growth('GET /tasks/{id} by connections', 'µs CPU', points)]
}

async function copySessions(databaseUrl: string, userId: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ columns: string }>(
      `select string_agg(quote_ident(column_name), ', ') as columns from information_schema.columns
       where table_name = 'sessions' and table_schema = 'public' and column_name <> 'id'`,
    )
    const columns = rows[0]?.columns ?? ''
    await client.query(
      `insert into sessions (id, ${columns}) select uuidv7(), ${columns}
       from (select * from sessions where user_id = $1 limit 1) one, generate_series(1, $2::int)`,
      [userId, count],
    )
    await client.query('vacuum analyze sessions')
  } finally {
    await client.end()
  }
}
