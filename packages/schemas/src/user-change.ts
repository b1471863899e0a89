import { Type, type Static } from 'typebox'
import { IdSchema, TimeSchema, ref } from './common.ts'
import { USER_CHANGE } from './examples.ts'

/** What other services keep of users, as it crosses processes: each change of a name, each signup and deletion. */

const Seq = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

export const UserChangeSchema = Type.Object(
  {
    seq: Type.Integer({
      ...Seq,
      description: 'Place in the log of changes; in a snapshot the place as of which it is told',
    }),
    user_id: IdSchema,
    username: Type.String(),
    deleted: Type.Boolean(),
    at: TimeSchema,
  },
  { $id: 'UserChange', description: 'A signup, a new username or a deletion', examples: [USER_CHANGE] },
)
export type UserChange = Static<typeof UserChangeSchema>

/** Question of `GET /users/changes`. */
export const UserChangesQuerySchema = Type.Object(
  {
    after: Type.Optional(
      Type.String({
        maxLength: 128,
        pattern: '^[a-z0-9.-]*$',
        description: '`next` of the answer before; empty or missing for all users as they are',
      }),
    ),
    wait: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 500,
        default: 0,
        description: 'How long to wait for a change if there is none, in ms',
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 500 })),
  },
  { additionalProperties: false },
)
export type UserChangesQuery = Static<typeof UserChangesQuerySchema>

/** Answer of `GET /users/changes`. */
export const UserChangesSchema = Type.Object(
  {
    items: Type.Array(ref(UserChangeSchema), {
      description: 'In order: whatever comes later about a user holds, whatever was known before',
    }),
    next: Type.String({ description: '`after` of the next question' }),
    more: Type.Boolean({ description: 'Whether there is more already' }),
    snapshot: Type.Union(
      [
        Type.Object({
          seq: Type.Integer({
            ...Seq,
            description: 'As of which all users are told; also that of each item',
          }),
          complete: Type.Boolean({
            description:
              'Whether this was the last of them. A user that was known before the first page was asked for, ' +
              'and that came on no page, has been deleted.',
          }),
        }),
        Type.Null(),
      ],
      { description: 'Set while all users are told as they are; null once the changes follow' },
    ),
  },
  {
    $id: 'UserChanges',
    description: 'What has changed of users since',
    examples: [{ items: [USER_CHANGE], next: 'changes.1.17', more: false, snapshot: null }],
  },
)
export type UserChanges = Static<typeof UserChangesSchema>
