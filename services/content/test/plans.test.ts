import { Kysely, PostgresDialect, type CompiledQuery } from 'kysely'
import t, { type Test } from 'tap'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { createPool } from '@portcullis/service-kit'
import { createDatabase } from '@portcullis/test-kit'
import type { DB } from '../src/database/tables.ts'
import { purgeDeletedAuthors } from '../src/authors/purge.ts'
import { findPostById, listPosts, postInserts } from '../src/features/posts/queries.ts'
import { taskLoader } from '../src/features/tasks/loader.ts'
import { listTasks, taskInserts, wholeTask } from '../src/features/tasks/queries.ts'

const ROWS = 100_000
const AUTHORS = 1000

const NodeSchema = Type.Object({
  'Node Type': Type.String(),
  'Actual Rows': Type.Number(),
  'Actual Loops': Type.Number(),
  Plans: Type.Optional(Type.Array(Type.Unknown())),
})
type Node = Static<typeof NodeSchema>
const planNode = Compile(NodeSchema)
const explained = Compile(
  Type.Tuple([Type.Object({ 'QUERY PLAN': Type.Tuple([Type.Object({ Plan: NodeSchema })]) })]),
)

const pool = createPool({ url: await createDatabase(t, 'content'), name: 'plans', isPatient: true })
const queries: CompiledQuery[] = []
const db = new Kysely<DB>({
  dialect: new PostgresDialect({ pool }),
  log: (event) => void queries.push(event.query),
})
t.teardown(() => pool.end())

// Half of everything belongs to one author, the rest to a thousand others.
await pool.query(`
  insert into authors (id, username, round) select uuidv7(), 'user' || n, 0 from generate_series(1, ${AUTHORS}) n;
  create temp table writers as
    select n, case when n % 2 = 0 then 1 else 1 + n / 2 % ${AUTHORS} end as author from generate_series(1, ${ROWS}) n;
  create temp table numbered as select id, row_number() over () as author from authors;
  insert into posts (author_id, title, description)
    select id, 'title', 'description' from writers join numbered using (author) order by n;
  insert into tasks (owner_id, title, description, status, due_at)
    select id, 'title', '', (array['todo', 'in_progress', 'done'])[1 + n % 3], now() + n * interval '1 minute'
    from writers join numbered using (author) order by n;
  analyze`)
const id = async (sql: string) => {
  const { rows } = await pool.query<{ id: string }>(sql)
  return rows[0]?.id ?? ''
}
const middle = await id(`select id from posts order by id offset ${ROWS / 2} limit 1`)
const middleTask = await id(`select id from tasks order by id offset ${ROWS / 2} limit 1`)
const author = await id('select author_id as id from posts group by 1 order by count(*) desc limit 1')
const due = new Date(Date.now() + (ROWS / 2) * 60_000).toISOString()

/** Plans of the statements that the work sends, by the statistics of the whole table. */
async function plansOf(work: () => Promise<unknown>): Promise<Node[]> {
  queries.splice(0)
  await work()
  const plans: Node[] = []
  for (const { sql, parameters } of queries.splice(0)) {
    const { rows } = await pool.query(`explain (analyze, format json) ${sql}`, [...parameters])
    const found: unknown = rows
    if (!explained.Check(found)) throw new Error('not a plan')
    plans.push(found[0]['QUERY PLAN'][0].Plan)
  }
  return plans
}

function nodesOf(node: unknown): Node[] {
  if (!planNode.Check(node)) throw new Error('not a node of a plan')
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}

async function isIndexed(t: Test, work: () => Promise<unknown>, mostRows: number): Promise<void> {
  for (const plan of await plansOf(work)) {
    const nodes = nodesOf(plan)
    t.notOk(
      nodes.find((node) => node['Node Type'] === 'Seq Scan'),
      'no sequential scan',
    )
    t.notOk(
      nodes.find((node) => /Sort/.test(node['Node Type'])),
      'no sort',
    )
    const rows = Math.max(...nodes.map((node) => node['Actual Rows'] * node['Actual Loops']))
    t.ok(rows <= mostRows, `${rows} rows read at most`)
  }
}

t.test('every page of posts reads as many rows as it shows', async (t) => {
  await isIndexed(t, () => listPosts(db, { limit: 21 }), 21)
  await isIndexed(t, () => listPosts(db, { before: middle, limit: 21 }), 21)
  await isIndexed(t, () => listPosts(db, { author, limit: 21 }), 21)
  await isIndexed(t, () => listPosts(db, { author, before: middle, limit: 101 }), 101)
})

t.test('every page of tasks reads no tasks of others', async (t) => {
  const mine = ROWS / 2
  await isIndexed(t, () => listTasks(db, { ownerId: author, limit: 21 }), 21)
  await isIndexed(t, () => listTasks(db, { ownerId: author, before: middleTask, limit: 21 }), 21)
  await isIndexed(t, () => listTasks(db, { ownerId: author, status: 'done', limit: 21 }), 21)
  await isIndexed(
    t,
    () => listTasks(db, { ownerId: author, status: 'done', before: middleTask, limit: 21 }),
    21,
  )
  await isIndexed(t, () => listTasks(db, { ownerId: author, dueBefore: due, limit: 21 }), mine)
  await isIndexed(
    t,
    () => listTasks(db, { ownerId: author, status: 'todo', dueBefore: due, before: middleTask, limit: 21 }),
    mine,
  )
})

t.test('one post and one task are found by their ids', async (t) => {
  await isIndexed(t, () => findPostById.first(db, { id: middle }), 1)
  await isIndexed(t, () => taskLoader(db).load({ id: middleTask, ownerId: author }), 1)
})

t.test('tasks that are asked for together are found by their ids, by one statement', async (t) => {
  const { rows } = await pool.query<{ id: string; ownerId: string }>(
    `select id, owner_id as "ownerId" from tasks order by md5(id::text) limit 100`,
  )
  const [first] = rows
  if (first === undefined) throw new Error('no task')
  const loader = taskLoader(db)
  const load = () =>
    Promise.all([...rows.slice(1), { ...first, ownerId: middle }].map((own) => loader.load(own)))
  t.equal((await plansOf(load)).length, 1)
  await isIndexed(t, load, 100)
})

t.test(
  'what is written at the same time reads no more authors than there are among the writers',
  async (t) => {
    const writer = { id: author, username: 'user1' }
    const many = <T>(write: () => Promise<T>) => Promise.all([write(), write(), write()])
    await isIndexed(t, () => many(() => taskInserts(db).insert(db, writer, wholeTask({ title: 'a' }))), 1)
    await isIndexed(
      t,
      () => many(() => postInserts(db).insert(db, writer, { title: 'a', description: '' })),
      1,
    )
  },
)

t.test('looking for deleted users that have left something is nothing while there are none', async (t) => {
  await isIndexed(t, () => purgeDeletedAuthors(db), 0)
})
