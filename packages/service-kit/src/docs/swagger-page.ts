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

/** There is one document and one server: nothing to choose. */
const STYLE = `
.swagger-ui .topbar { display: none }
.swagger-ui .scheme-container .schemes .schemes-server-container { visibility: hidden }
`

/** The page at `/docs`, for whatever serves an OpenAPI document: options of @fastify/swagger-ui. */
export function docsPage(title: string): FastifySwaggerUiOptions {
  return {
    routePrefix: '/docs',
    staticCSP: POLICY,
    theme: { title, css: [{ filename: 'portcullis.css', content: STYLE }] },
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
