import { Type, type Static, type TSchema } from 'typebox'
import './text.ts'
import './time.ts'

/**
 * A reference to a schema with an `$id` that the application has added, typed as that schema. It becomes a
 * `$ref` in the OpenAPI document, where an inlined schema would lose its name.
 *
 * @throws TypeError if the schema has no `$id`.
 */
export function ref<T extends TSchema>(schema: T) {
  const id: unknown = Reflect.get(schema, '$id')
  if (typeof id !== 'string') throw new TypeError('a schema without $id cannot be referred to')
  return Type.Unsafe<Static<T>>(Type.Ref(`${id}#`))
}

export const IdSchema = Type.String({
  format: 'uuid',
  description: 'UUIDv7',
  examples: ['019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77'],
})

export const TimeSchema = Type.String({
  format: 'date-time',
  description: 'ISO 8601, UTC',
  examples: ['2026-11-21T09:30:00.000Z'],
})

export const IdParamsSchema = Type.Object({ id: IdSchema })

export const ListQuerySchema = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100,
        default: 20,
        description: 'How many items a page has at most',
      }),
    ),
    cursor: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        format: 'text',
        description: '`next_cursor` of the page before',
      }),
    ),
  },
  { additionalProperties: false },
)

/**
 * `{items, next_cursor}`, the shape of every list.
 *
 * @param item a schema with an `$id`, which the application has to add, too
 */
export function pageOf<T extends TSchema>($id: string, item: T) {
  const examples: unknown = Reflect.get(item, 'examples')
  return Type.Object(
    {
      items: Type.Array(ref(item)),
      next_cursor: Type.Union([Type.String(), Type.Null()], {
        description: '`cursor` of the next page; null on the last one',
      }),
    },
    {
      $id,
      description: 'A page of the list',
      ...(Array.isArray(examples) && { examples: [{ items: examples.slice(0, 1), next_cursor: null }] }),
    },
  )
}
