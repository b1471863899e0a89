import { Type } from 'typebox'
import { PROBLEMS, ref } from '@portcullis/schemas'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { isProblemCode, problem } from './problem.ts'
import { problemResponses } from './responses.ts'

const ProblemPageSchema = Type.Object(
  {
    type: Type.String(),
    code: Type.String(),
    status: Type.Integer(),
    title: Type.String(),
    help: Type.String({ description: 'What it means and what to do' }),
  },
  {
    $id: 'ProblemPage',
    description: 'What the code means',
    examples: [
      { type: 'http://localhost:8080/problems/NOT_FOUND', code: 'NOT_FOUND', ...PROBLEMS.NOT_FOUND },
    ],
  },
)

/** `GET /problems/{code}`: where the `type` of a problem leads. */
export const problemPages: FastifyPluginAsyncTypebox<{ issuer: string }> = async (app, { issuer }) => {
  app.addSchema(ProblemPageSchema)
  app.get(
    '/problems/:code',
    {
      config: { rateLimit: false },
      schema: {
        summary: 'What an error code means',
        description: 'Where the `type` of a problem leads: what happened, and what to do.',
        operationId: 'getProblem',
        tags: ['problems'],
        params: Type.Object({
          code: Type.String({
            maxLength: 64,
            description: '`code` of a problem',
            examples: ['AUTH_REFRESH_REUSED'],
          }),
        }),
        response: { 200: ref(ProblemPageSchema), ...problemResponses('NOT_FOUND') },
      },
    },
    async ({ params: { code } }, reply) => {
      if (!isProblemCode(code)) throw problem('NOT_FOUND')
      reply.header('cache-control', 'public, max-age=3600')
      const { status, title, help } = PROBLEMS[code]
      return { type: `${issuer}/problems/${code}`, code, status, title, help }
    },
  )
}
