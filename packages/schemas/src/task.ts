import { Type, type Static } from 'typebox'
import { IdSchema, TimeSchema, pageOf } from './common.ts'
import { DescriptionSchema, TitleSchema } from './post.ts'
import { EXAMPLE } from './examples.ts'

export const TaskStatusSchema = Type.Union([
  Type.Literal('todo'),
  Type.Literal('in_progress'),
  Type.Literal('done'),
])
export type TaskStatus = Static<typeof TaskStatusSchema>

const DueAtSchema = Type.Union([TimeSchema, Type.Null()])

export const TaskSchema = Type.Object(
  {
    id: IdSchema,
    title: TitleSchema,
    description: DescriptionSchema,
    status: TaskStatusSchema,
    due_at: DueAtSchema,
    created_at: TimeSchema,
    updated_at: TimeSchema,
  },
  {
    $id: 'Task',
    description: 'A task',
    examples: [
      {
        id: EXAMPLE.taskId,
        title: 'Water the plants',
        description: 'Those on the balcony, too.',
        status: 'todo',
        due_at: '2026-11-22T18:00:00.000Z',
        created_at: EXAMPLE.laterAt,
        updated_at: EXAMPLE.laterAt,
      },
    ],
  },
)
export type Task = Static<typeof TaskSchema>

export const TaskPageSchema = pageOf('TaskPage', TaskSchema)

/** A whole task as its owner writes it: for POST, and for PUT, which replaces what was there. */
export const TaskBodySchema = Type.Object(
  {
    title: TitleSchema,
    description: Type.Optional(DescriptionSchema),
    status: Type.Optional(TaskStatusSchema),
    due_at: Type.Optional(DueAtSchema),
  },
  {
    $id: 'TaskBody',
    description: 'A whole task',
    examples: [
      {
        title: 'Water the plants',
        description: 'Those on the balcony, too.',
        status: 'todo',
        due_at: '2026-11-22T18:00:00.000Z',
      },
    ],
    additionalProperties: false,
  },
)
export type TaskBody = Static<typeof TaskBodySchema>

export const UpdateTaskBodySchema = Type.Object(
  {
    title: Type.Optional(TitleSchema),
    description: Type.Optional(DescriptionSchema),
    status: Type.Optional(TaskStatusSchema),
    due_at: Type.Optional(DueAtSchema),
  },
  {
    $id: 'UpdateTaskBody',
    description: 'What changes; at least one of them',
    examples: [{ status: 'done' }],
    additionalProperties: false,
    minProperties: 1,
  },
)
export type UpdateTaskBody = Static<typeof UpdateTaskBodySchema>
