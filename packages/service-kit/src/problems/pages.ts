import { Type } from 'typebox'
import { PROBLEMS } from '@portcullis/schemas'
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
  { $id: 'ProblemPage' },
)

/** `GET /problems/{code}`: where the `type` of a problem leads. */
export const problemPages: FastifyPluginAsyncTypebox<{ issuer: string }> = async (app, { issuer }) => {
  app.get(
    '/problems/:code',
    {
      config: { rateLimit: false },
      schema: {
        summary: 'What an error code means',
        operationId: 'getProblem',
        tags: ['problems'],
        params: Type.Object({ code: Type.String({ maxLength: 64 }) }),
        response: { 200: ProblemPageSchema, ...problemResponses('NOT_FOUND') },
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
