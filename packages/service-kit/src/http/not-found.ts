import fp from 'fastify-plugin'
import type { HTTPMethods } from 'fastify'
import FindMyWay from 'find-my-way'
import { problem } from '../problems/problem.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** 404 for what is not there, 405 with `Allow` for what is there under another method, and OPTIONS. */
export default fp(
  async (app) => {
    const routes = FindMyWay({ ignoreTrailingSlash: true })
    const known: ReadonlySet<HTTPMethods> = new Set(METHODS)

    // As one with a body, which it is to Fastify, it would be asked for the type of that before anybody looks for a route.
    app.addHttpMethod('QUERY', { overrideExisting: true })

    app.addHook('onRoute', ({ method, url }) => {
      for (const name of [method].flat()) {
        const found = METHODS.find((known) => known === name)
        if (found !== undefined && known.has(name) && !routes.hasRoute(found, url))
          routes.on(found, url, () => undefined)
      }
    })

    app.setNotFoundHandler(async (request, reply) => {
      const path = request.url.split('?', 1)[0] ?? '/'
      const allowed = METHODS.filter((method) => routes.find(method, path) !== null)
      // A route may say itself that there is nothing, as that of the files of the docs does.
      if (allowed.length === 0 || allowed.some((method) => method === request.method))
        throw problem('NOT_FOUND')
      const allow = [...allowed, 'OPTIONS'].join(', ')
      if (request.method !== 'OPTIONS') throw problem('METHOD_NOT_ALLOWED', { headers: { allow } })
      return reply.code(204).header('allow', allow).send()
    })
  },
  { name: 'not-found', fastify: '5.x' },
)
