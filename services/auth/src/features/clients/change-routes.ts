import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ClientSchema, ClientWithSecretSchema, UpdateClientBodySchema, ref } from '@portcullis/schemas'
import { problem, userProblems } from '@portcullis/service-kit'
import { changeClient, deleteClient, rotateClientSecret } from '../../clients/manage.ts'
import { toClient } from '../../clients/queries.ts'
import { common, params } from './routes.ts'

/** What kills tokens of clients: each of these answers once no verifier accepts them any more. */
export const clientChangeRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.patch(
    '/clients/:id',
    {
      schema: {
        ...common,
        operationId: 'updateClient',
        summary: 'Change a client',
        description: 'Its tokens die when it is disabled, and when a scope is taken away from it.',
        params,
        body: ref(UpdateClientBodySchema),
        response: {
          200: ref(ClientSchema),
          202: ref(ClientSchema),
          ...userProblems('AUTH_FORBIDDEN', 'NOT_FOUND'),
        },
      },
    },
    async (request, reply) => {
      const changed = await changeClient(app, request.params.id, request.body)
      if (!changed) throw problem('NOT_FOUND')
      if (changed.receipt) await app.barrier.settle(reply, changed.receipt)
      return reply.send(toClient(changed.client))
    },
  )

  app.delete(
    '/clients/:id',
    {
      schema: {
        ...common,
        operationId: 'deleteClient',
        summary: 'Delete a client',
        description: 'Its tokens die. Answers with what was deleted.',
        params,
        response: {
          200: ref(ClientSchema),
          202: ref(ClientSchema),
          ...userProblems('AUTH_FORBIDDEN', 'NOT_FOUND'),
        },
      },
    },
    async (request, reply) => {
      const deleted = await deleteClient(app, request.params.id)
      if (!deleted) throw problem('NOT_FOUND')
      if (deleted.receipt) await app.barrier.settle(reply, deleted.receipt)
      return reply.send(toClient(deleted.client))
    },
  )

  app.post(
    '/clients/:id/secret',
    {
      schema: {
        ...common,
        operationId: 'rotateClientSecret',
        summary: 'Give a client another secret',
        description: 'The old secret and every token of the client die. The new one is shown this once.',
        params,
        response: {
          200: ref(ClientWithSecretSchema),
          202: ref(ClientWithSecretSchema),
          ...userProblems('AUTH_FORBIDDEN', 'NOT_FOUND'),
        },
      },
    },
    async (request, reply) => {
      const rotated = await rotateClientSecret(app, request.params.id)
      if (!rotated) throw problem('NOT_FOUND')
      if (rotated.receipt) await app.barrier.settle(reply, rotated.receipt)
      return reply.header('cache-control', 'no-store').send(rotated.client)
    },
  )
}
