import type { FastifySwaggerUiOptions } from '@fastify/swagger-ui'

const POLICY = {
  'default-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'style-src': ["'self'", "'unsafe-inline'"],
  'object-src': ["'none'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
}

/** There is one document and one server: nothing to choose. And no answer has links, whose column a phone has no room for. */
const STYLE = `
.swagger-ui .topbar { display: none }
.swagger-ui .scheme-container .schemes .schemes-server-container { visibility: hidden }
@media (max-width: 600px) { .swagger-ui .response-col_links { display: none } }
`

/** The page of swagger-ui tells phones nothing, and is drawn only after its scripts, of which this is one. */
const VIEWPORT = `
const viewport = document.createElement('meta')
viewport.name = 'viewport'
viewport.content = 'width=device-width, initial-scale=1'
document.head.append(viewport)
`

/** The page at `/docs`, for whatever serves an OpenAPI document: options of @fastify/swagger-ui. */
export function docsPage(title: string): FastifySwaggerUiOptions {
  return {
    routePrefix: '/docs',
    staticCSP: POLICY,
    theme: {
      title,
      css: [{ filename: 'portcullis.css', content: STYLE }],
      js: [{ filename: 'viewport.js', content: VIEWPORT }],
    },
    uiConfig: {
      deepLinking: true,
      docExpansion: 'list',
      defaultModelsExpandDepth: 0,
      displayRequestDuration: true,
      filter: true,
      tryItOutEnabled: true,
    },
  }
}
