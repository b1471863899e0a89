import { Type, type Static } from 'typebox'
import { IdSchema, TimeSchema } from './common.ts'
import { DescriptionSchema, TitleSchema } from './post.ts'

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
  { $id: 'Task' },
)
export type Task = Static<typeof TaskSchema>

/** A whole task as its owner writes it: for POST, and for PUT, which replaces what was there. */
export const TaskBodySchema = Type.Object(
  {
    title: TitleSchema,
    description: Type.Optional(DescriptionSchema),
    status: Type.Optional(TaskStatusSchema),
    due_at: Type.Optional(DueAtSchema),
  },
  { $id: 'TaskBody', additionalProperties: false },
)
export type TaskBody = Static<typeof TaskBodySchema>

export const UpdateTaskBodySchema = Type.Object(
  {
    title: Type.Optional(TitleSchema),
    description: Type.Optional(DescriptionSchema),
    status: Type.Optional(TaskStatusSchema),
    due_at: Type.Optional(DueAtSchema),
  },
  { $id: 'UpdateTaskBody', additionalProperties: false, minProperties: 1 },
)
export type UpdateTaskBody = Static<typeof UpdateTaskBodySchema>
