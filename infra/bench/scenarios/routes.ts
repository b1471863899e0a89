import { compare, type Load, type Pace } from '../compare.ts'
import { ratio, type Row } from '../report.ts'
import type { Answer, Stage } from '../stage.ts'
import { create, newUser } from '../user.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

/** `GET /tasks/{id}` with a token seen before, against the same query without any check. */
export async function taskById(stage: Stage, pace: Pace): Promise<Row[]> {
  const user = await newUser(stage)
  const id = await create(stage, user, 'tasks', { title: 'A task to be read' })
  const reference = await stage.reference()
  const { ours, bare } = await compare(
    {
      ours: { server: stage.content, path: `/api/v1/tasks/${id}`, headers: user.headers },
      bare: { server: reference, path: `/tasks/${id}` },
    },
    pace,
  )
  await reference.stop()
  return [ratio('GET /tasks/{id}, token seen before', ours, bare, 0.9)]
}

/** `GET /tasks`, the newest 20 of a user, against the same query without any check. */
export async function newestTasks(stage: Stage, pace: Pace): Promise<Row[]> {
  const user = await newUser(stage)
  for (let n = 1; n <= 21; n++) await create(stage, user, 'tasks', { title: `Task ${n}` })
  const reference = await stage.reference()
  const { ours, bare } = await compare(
    {
      ours: { server: stage.content, path: '/api/v1/tasks', headers: user.headers },
      bare: { server: reference, path: `/tasks?owner=${user.id}` },
    },
    pace,
  )
  await reference.stop()
  return [ratio('GET /tasks, newest 20', ours, bare)]
}

/** What Node adds to each answer. */
const BY_NODE: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'date', 'content-length'])

/** An answer for a server to send as if it were its own. */
async function answerOf(url: string): Promise<Answer> {
  const answer = await fetch(url)
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !BY_NODE.has(name)))
  return { headers, body: await answer.text() }
}

/** `GET /posts`, the newest 20, against plain Fastify that sends the same bytes from memory, or no more than its body. */
export async function newestPosts(stage: Stage, pace: Pace): Promise<Row[]> {
  const user = await newUser(stage)
  for (let n = 1; n <= 20; n++)
    await create(stage, user, 'posts', {
      title: `Post ${n}`,
      description: 'About as long as a short post is. '.repeat(4),
    })
  const server = await stage.reference(await answerOf(`${stage.content.url}/api/v1/posts`))
  const ours: Load = { server: stage.content, path: '/api/v1/posts' }
  const whole = await compare({ ours, bare: { server, path: '/answer' } }, pace)
  const body = await compare({ ours, bare: { server, path: '/body' } }, pace)
  await server.stop()
  return [
    ratio('GET /posts, newest 20 ÷ the same answer', whole.ours, whole.bare, 0.85),
    ratio('GET /posts, newest 20 ÷ its body alone', body.ours, body.bare),
  ]
}

/** `POST /tasks` against the same insert without any check. */
export async function createTask(stage: Stage, pace: Pace): Promise<Row[]> {
  const user = await newUser(stage)
  await create(stage, user, 'tasks', { title: 'The first makes the author' })
  const reference = await stage.reference()
  const { ours, bare } = await compare(
    {
      ours: {
        server: stage.content,
        path: '/api/v1/tasks',
        method: 'POST',
        headers: { ...user.headers, ...JSON_TYPE },
        body: JSON.stringify({ title: 'A task' }),
      },
      bare: {
        server: reference,
        path: '/tasks',
        method: 'POST',
        headers: JSON_TYPE,
        body: JSON.stringify({ title: 'A task', owner_id: user.id }),
      },
    },
    pace,
  )
  await reference.stop()
  return [ratio('POST /tasks', ours, bare, 0.85)]
}
