import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import {
  IdParamsSchema,
  ListQuerySchema,
  TaskBodySchema,
  TaskPageSchema,
  TaskSchema,
  TaskStatusSchema,
  TimeSchema,
  UpdateTaskBodySchema,
  ref,
} from '@portcullis/schemas'
import {
  IDEMPOTENCY_PROBLEMS,
  IdempotencyKeySchema,
  WritePreconditionSchema,
  ReadPreconditionSchema,
  NotModifiedSchema,
  REPLAYED,
  VERSIONED_HEADERS,
  createOnce,
  isNotModified,
  notModified,
  writePreconditionOf,
  problem,
  readPage,
  userProblems,
  withHeaders,
  type ProblemError,
} from '@portcullis/service-kit'
import { taskLoader, type TaskLoader } from './loader.ts'
import {
  deleteTask,
  inUtc,
  listTasks,
  replaceTask,
  taskInserts,
  toTask,
  updateTask,
  wholeTask,
  type OwnTask,
  type TaskChange,
} from './queries.ts'
import { tagOf, versionsOf } from './version.ts'

const ListTasksQuerySchema = Type.Object(
  {
    ...ListQuerySchema.properties,
    status: Type.Optional(Type.Union(TaskStatusSchema.anyOf, { description: 'Only tasks of this status' })),
    due_before: Type.Optional(Type.String({ ...TimeSchema, description: 'Only tasks that are due before' })),
  },
  { additionalProperties: false },
)

const createdTasks = Compile(Type.Object({ task: TaskSchema, tag: Type.String() }))
const documented = { tags: ['tasks'], security: [{ bearer: [] }] }

/** Tasks are for their owner alone: what belongs to somebody else is answered as what does not exist. */
export const taskRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (reply.statusCode < 400) reply.header('cache-control', 'private, no-cache')
    done()
  })

  const inserts = taskInserts(app.db)
  const tasks = taskLoader(app.reads)

  app.post(
    '/tasks',
    {
      schema: {
        ...documented,
        operationId: 'createTask',
        summary: 'Make a task',
        description:
          'For its owner alone. With an `Idempotency-Key` it is made once, however often it is sent.',
        headers: IdempotencyKeySchema,
        body: ref(TaskBodySchema),
        response: {
          201: withHeaders(ref(TaskSchema), VERSIONED_HEADERS),
          ...userProblems(...IDEMPOTENCY_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const { sub, username } = request.user
      const once = app.idempotency.of(request, sub)
      const { answer, isReplayed } = await createOnce(app.db, once, createdTasks, async (db) => {
        const row = await inserts.insert(db, { id: sub, username }, wholeTask(request.body))
        return { task: toTask(row), tag: tagOf(row) }
      })
      const { task, tag } = answer
      return reply
        .code(201)
        .headers({ location: `${app.prefix}/tasks/${task.id}`, etag: `"${tag}"` })
        .headers(isReplayed ? REPLAYED : {})
        .send(task)
    },
  )

  app.get(
    '/tasks',
    {
      schema: {
        ...documented,
        operationId: 'listTasks',
        summary: 'List your tasks, newest first',
        description: 'Those of other users are not among them.',
        querystring: ListTasksQuerySchema,
        response: { 200: ref(TaskPageSchema), ...userProblems() },
      },
    },
    async (request) => {
      const { status, due_before: dueBefore, ...query } = request.query
      const list = `tasks ${request.user.sub} ${status ?? ''} ${dueBefore ?? ''}`
      const filter = { ownerId: request.user.sub, status, dueBefore: dueBefore && inUtc(dueBefore) }
      const { rows, next_cursor } = await readPage(app.cursors, list, query, (page) =>
        listTasks(app.db, { ...filter, ...page }),
      )
      return { items: rows.map(toTask), next_cursor }
    },
  )

  app.get(
    '/tasks/:id',
    {
      schema: {
        ...documented,
        operationId: 'getTask',
        summary: 'Read a task',
        description: 'One of another user is answered as one that does not exist.',
        params: IdParamsSchema,
        headers: ReadPreconditionSchema,
        response: {
          200: ref(TaskSchema),
          304: NotModifiedSchema,
          ...userProblems('NOT_FOUND', 'PRECONDITION_FAILED'),
        },
      },
    },
    async (request, reply) => {
      const row = await tasks.load({ id: request.params.id, ownerId: request.user.sub })
      if (row === undefined) throw problem('NOT_FOUND')
      if (isNotModified(request, reply, tagOf(row))) return notModified(reply)
      return toTask(row)
    },
  )

  app.put(
    '/tasks/:id',
    {
      schema: {
        ...documented,
        operationId: 'replaceTask',
        summary: 'Replace a task',
        description: 'What is left out gets its default, as in a new task.',
        params: IdParamsSchema,
        headers: WritePreconditionSchema,
        body: ref(TaskBodySchema),
        response: { 200: ref(TaskSchema), ...userProblems('NOT_FOUND', 'PRECONDITION_FAILED') },
      },
    },
    async (request, reply) => {
      const change = changeOf(request, request.params.id)
      const row = await replaceTask(app.db, change, request.body)
      if (row === undefined) throw await refusal(tasks, change)
      return reply.header('etag', `"${tagOf(row)}"`).send(toTask(row))
    },
  )

  app.patch(
    '/tasks/:id',
    {
      schema: {
        ...documented,
        operationId: 'updateTask',
        summary: 'Change a task',
        description: 'What is left out stays as it is.',
        params: IdParamsSchema,
        headers: WritePreconditionSchema,
        body: ref(UpdateTaskBodySchema),
        response: { 200: ref(TaskSchema), ...userProblems('NOT_FOUND', 'PRECONDITION_FAILED') },
      },
    },
    async (request, reply) => {
      const change = changeOf(request, request.params.id)
      const row = await updateTask(app.db, change, request.body)
      if (row === undefined) throw await refusal(tasks, change)
      return reply.header('etag', `"${tagOf(row)}"`).send(toTask(row))
    },
  )

  app.delete(
    '/tasks/:id',
    {
      schema: {
        ...documented,
        operationId: 'deleteTask',
        summary: 'Delete a task',
        description: 'Answers with what was deleted.',
        params: IdParamsSchema,
        headers: WritePreconditionSchema,
        response: { 200: ref(TaskSchema), ...userProblems('NOT_FOUND', 'PRECONDITION_FAILED') },
      },
    },
    async (request) => {
      const change = changeOf(request, request.params.id)
      const row = await deleteTask(app.db, change)
      if (row === undefined) throw await refusal(tasks, change)
      return toTask(row)
    },
  )
}

function changeOf(request: FastifyRequest, id: string): TaskChange {
  const { only, except } = writePreconditionOf(request)
  return { id, ownerId: request.user.sub, versions: only && versionsOf(only), except: versionsOf(except) }
}

/** Why a change has found nothing to change. */
async function refusal(tasks: TaskLoader, { id, ownerId }: OwnTask): Promise<ProblemError> {
  const row = await tasks.load({ id, ownerId })
  if (row === undefined) return problem('NOT_FOUND')
  return problem('PRECONDITION_FAILED', { headers: { etag: `"${tagOf(row)}"` } })
}
