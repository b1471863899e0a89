import { Type, type Static } from 'typebox'
import { IdSchema, TimeSchema, pageOf } from './common.ts'
import { UsernameSchema } from './user.ts'
import { EXAMPLE } from './examples.ts'

export const TitleSchema = Type.String({ minLength: 1, maxLength: 200, format: 'text', examples: ['Hello'] })
export const DescriptionSchema = Type.String({
  maxLength: 20_000,
  format: 'text',
  examples: ['What a post or a task is about.'],
})

export const PostSchema = Type.Object(
  {
    id: IdSchema,
    title: TitleSchema,
    description: DescriptionSchema,
    author: Type.Object({ id: IdSchema, username: UsernameSchema }),
    created_at: TimeSchema,
    updated_at: TimeSchema,
  },
  {
    $id: 'Post',
    description: 'A post',
    examples: [
      {
        id: EXAMPLE.postId,
        title: 'Hello',
        description: 'What a post is about.',
        author: { id: EXAMPLE.userId, username: 'ada.lovelace' },
        created_at: EXAMPLE.laterAt,
        updated_at: EXAMPLE.laterAt,
      },
    ],
  },
)
export type Post = Static<typeof PostSchema>

export const PostPageSchema = pageOf('PostPage', PostSchema)

export const CreatePostBodySchema = Type.Object(
  { title: TitleSchema, description: DescriptionSchema },
  {
    $id: 'CreatePostBody',
    description: 'A post to be',
    examples: [{ title: 'Hello', description: 'What a post is about.' }],
    additionalProperties: false,
  },
)
export type CreatePostBody = Static<typeof CreatePostBodySchema>

export const UpdatePostBodySchema = Type.Object(
  { title: Type.Optional(TitleSchema), description: Type.Optional(DescriptionSchema) },
  {
    $id: 'UpdatePostBody',
    description: 'What changes; at least one of them',
    examples: [{ title: 'Hello again' }],
    additionalProperties: false,
    minProperties: 1,
  },
)
export type UpdatePostBody = Static<typeof UpdatePostBodySchema>
