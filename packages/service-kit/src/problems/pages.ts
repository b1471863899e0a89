import accepts from '@fastify/accepts'
import { Type } from 'typebox'
import { PROBLEMS, ref, type ProblemCode } from '@portcullis/schemas'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PAGE_POLICY, problemIndex, problemPage } from './html.ts'
import { isProblemCode, problem } from './problem.ts'
import { problemResponses } from './responses.ts'

const EXAMPLE = { type: 'http://localhost:8080/problems/NOT_FOUND', code: 'NOT_FOUND', ...PROBLEMS.NOT_FOUND }

const ProblemPageSchema = Type.Object(
  {
    type: Type.String(),
    code: Type.String(),
    status: Type.Integer(),
    title: Type.String(),
    help: Type.String({ description: 'What it means and what to do' }),
  },
  { $id: 'ProblemPage', description: 'What the code means', examples: [EXAMPLE] },
)
const ProblemIndexSchema = Type.Object(
  { items: Type.Array(ref(ProblemPageSchema)) },
  { $id: 'ProblemIndex', description: 'Every error code', examples: [{ items: [EXAMPLE] }] },
)

/** An answer as JSON for programs and as a page for people. */
const either = <T extends object>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema }, 'text/html': { schema: Type.String() } },
})

const common = { tags: ['problems'] }
const description =
  'Where the `type` of a problem leads: what happened, and what to do. As JSON, or as a page for those who accept ' +
  '`text/html` rather.'

/** `GET /problems` and `GET /problems/{code}`: where the `type` of a problem leads. */
export const problemPages: FastifyPluginAsyncTypebox<{ issuer: string }> = async (app, { issuer }) => {
  await app.register(accepts)
  app.addSchema(ProblemPageSchema)
  app.addSchema(ProblemIndexSchema)
  const describe = (code: ProblemCode) => {
    const { status, title, help } = PROBLEMS[code]
    return { type: `${issuer}/problems/${code}`, code, status, title, help }
  }

  app.get(
    '/problems',
    {
      config: { rateLimit: false },
      schema: {
        ...common,
        summary: 'List the error codes',
        description: 'As JSON, or as a page for those who accept `text/html` rather.',
        operationId: 'listProblems',
        response: { 200: either('Every error code', ref(ProblemIndexSchema)) },
      },
    },
    async (request, reply) => {
      const items = Object.keys(PROBLEMS)
        .filter((code) => isProblemCode(code))
        .map(describe)
      return wantsPage(request, reply) ? problemIndex(items) : { items }
    },
  )

  app.get(
    '/problems/:code',
    {
      config: { rateLimit: false },
      schema: {
        ...common,
        summary: 'What an error code means',
        description,
        operationId: 'getProblem',
        params: Type.Object({
          code: Type.String({
            maxLength: 64,
            description: '`code` of a problem',
            examples: ['AUTH_REFRESH_REUSED'],
          }),
        }),
        response: {
          200: either('What the code means', ref(ProblemPageSchema)),
          ...problemResponses('NOT_FOUND'),
        },
      },
    },
    async (request, reply) => {
      const { code } = request.params
      if (!isProblemCode(code)) throw problem('NOT_FOUND')
      const found = describe(code)
      return wantsPage(request, reply) ? problemPage(found) : found
    },
  )
}

/** Browsers ask for HTML by name; whoever takes anything is a program. */
function wantsPage(request: FastifyRequest, reply: FastifyReply): boolean {
  // CORS may have said that it varies by Origin.
  const vary = [reply.getHeader('vary') ?? [], 'Accept'].flat().join(', ')
  reply.headers({ 'cache-control': 'public, max-age=3600', vary })
  if (request.accepts().type(['application/json', 'text/html']) !== 'text/html') {
    reply.type('application/json; charset=utf-8')
    return false
  }
  reply.type('text/html; charset=utf-8').header('content-security-policy', PAGE_POLICY)
  return true
}
