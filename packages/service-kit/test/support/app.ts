import { Type } from 'typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { createApp, problem, type App, type AppOptions } from '@portcullis/service-kit'

export const ISSUER = 'https://id.example.com'

const ThingSchema = Type.Object(
  {
    name: Type.String({ minLength: 2, maxLength: 10, format: 'text' }),
    size: Type.Optional(Type.Integer({ minimum: 0, maximum: 10 })),
    kind: Type.Optional(Type.Union([Type.Literal('a'), Type.Literal('b')])),
    at: Type.Optional(Type.Union([Type.String({ format: 'date-time' }), Type.Null()])),
    email: Type.Optional(Type.String({ format: 'email', maxLength: 254 })),
    either: Type.Optional(
      Type.Union([
        Type.Object(
          { n: Type.Integer(), at: Type.Optional(Type.Union([Type.Integer(), Type.Null()])) },
          { additionalProperties: false },
        ),
        Type.Null(),
      ]),
    ),
    inner: Type.Optional(Type.Object({ 'a/b': Type.String() }, { additionalProperties: false })),
    list: Type.Optional(Type.Array(Type.Object({ n: Type.Integer() }, { additionalProperties: false }))),
  },
  { additionalProperties: false },
)
const QuerySchema = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    text: Type.Optional(Type.String({ format: 'text' })),
  },
  { additionalProperties: false },
)

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.post('/things', { schema: { body: ThingSchema } }, async (request) => request.body)
  app.get('/things', { schema: { querystring: QuerySchema } }, async (request) => request.query)
  app.get(
    '/things/:id',
    { schema: { params: Type.Object({ id: Type.String({ format: 'uuid' }) }) } },
    async (request) => ({
      id: request.params.id,
    }),
  )
  app.post('/bodiless', async (request) => ({ body: request.body ?? null }))
  app.post('/optional', { schema: { body: Type.Union([ThingSchema, Type.Null()]) } }, async (request) => ({
    body: request.body ?? null,
  }))
  app.get('/refused', async () => {
    throw problem('AUTH_FORBIDDEN', {
      detail: 'Not this time.',
      headers: { 'x-why': 'test' },
      cause: new Error('inner'),
    })
  })
}

export function appWithRoutes(options: Partial<AppOptions> = {}, ...more: FastifyPluginAsyncTypebox[]): App {
  const app = createApp({ name: 'things', title: 'Things', version: '1.0.0', issuer: ISSUER, ...options })
  for (const plugin of [routes, ...more]) app.register(plugin)
  return app
}
