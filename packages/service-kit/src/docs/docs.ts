import fp from 'fastify-plugin'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { noStore } from '../http/no-store.ts'
import { complete } from './complete.ts'
import { docsPage } from './swagger-page.ts'
import { listProblems } from './list-problems.ts'

export interface DocsOptions {
  readonly title: string
  readonly version: string
  readonly description?: string
  /** Groups of routes in the order in which they are shown. */
  readonly tags?: readonly Tag[]
}

/** A group of routes. */
export interface Tag {
  readonly name: string
  readonly description: string
}

/** Groups of routes that every service has. */
const TAGS: readonly Tag[] = [
  { name: 'problems', description: 'What error codes mean' },
  { name: 'health', description: 'For whoever runs the service' },
]

function idOf(schema: object): string | undefined {
  const id: unknown = '$id' in schema ? schema.$id : undefined
  return typeof id === 'string' ? id : undefined
}

const SECURITY_SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'Access token (RFC 9068) of a user. `POST /api/v1/login` gives one: copy `access_token` from its answer.',
  },
  clientCredentials: {
    type: 'oauth2',
    description: 'Access token of a registered client, which an admin makes by `POST /api/v1/clients`.',
    flows: {
      clientCredentials: {
        tokenUrl: '/oauth/token',
        scopes: {
          'revocations:read': 'Read the revocation log',
          'users:changes': 'Follow the changes of users',
        },
      },
    },
  },
  client: {
    type: 'http',
    scheme: 'basic',
    description: 'Id and secret of a registered client (RFC 6749 section 2.3.1)',
  },
} as const

/** OpenAPI 3.1 from the routes' schemas: `/openapi.json`, and to look at, `/docs`. */
export default fp<DocsOptions>(
  async (app, { title, version, description, tags = [] }) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title,
          version,
          ...(description !== undefined && { description }),
          license: { name: 'MIT', identifier: 'MIT' },
        },
        servers: [{ url: '/', description: 'Where this document was read' }],
        tags: [...tags, ...TAGS],
        components: { securitySchemes: SECURITY_SCHEMES },
      },
      transform: listProblems,
      transformObject: (document) => {
        if (!('openapiObject' in document)) throw new Error('Swagger 2 is not spoken here')
        complete(document.openapiObject)
        return document.openapiObject
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
      scope.addHook('onSend', noStore)
      await scope.register(swaggerUi, docsPage(title))
      scope.get('/openapi.json', async () => app.swagger())
    })
  },
  { name: 'docs', fastify: '5.x' },
)
