import fp from 'fastify-plugin'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'

export interface DocsOptions {
  readonly title: string
  readonly version: string
  readonly description?: string
}

function idOf(schema: object): string | undefined {
  const id: unknown = '$id' in schema ? schema.$id : undefined
  return typeof id === 'string' ? id : undefined
}

const PAGE_POLICY = {
  'default-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'style-src': ["'self'", "'unsafe-inline'"],
  'object-src': ["'none'"],
  'frame-ancestors': ["'none'"],
}

/** OpenAPI 3.1 from the routes' schemas: `/openapi.json`, and to look at, `/docs`. */
export default fp<DocsOptions>(
  async (app, { title, version, description }) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: { title, version, ...(description !== undefined && { description }), license: { name: 'MIT' } },
        servers: [{ url: '/' }],
        components: {
          securitySchemes: {
            bearer: {
              type: 'http',
              scheme: 'bearer',
              bearerFormat: 'JWT',
              description: 'Access token (RFC 9068)',
            },
            client: {
              type: 'http',
              scheme: 'basic',
              description: 'Id and secret of a registered client (RFC 6749 section 2.3.1)',
            },
          },
        },
      },
      refResolver: {
        buildLocalReference: (schema, _base, _fragment, index) => idOf(schema) ?? `Schema${index}`,
      },
    })

    // In a scope of its own: none of these pages is counted or logged as a request of the API.
    await app.register(async (scope) => {
      scope.addHook('onRoute', (route) => {
        route.config = { ...route.config, rateLimit: false, quiet: true }
        route.schema = { ...route.schema, hide: true }
      })
      await scope.register(swaggerUi, { routePrefix: '/docs', staticCSP: PAGE_POLICY })
      scope.get('/openapi.json', async () => app.swagger())
    })
  },
  { name: 'docs', fastify: '5.x' },
)
