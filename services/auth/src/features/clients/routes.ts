import { randomUUID } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import {
  ClientIdSchema,
  ClientPageSchema,
  ClientSchema,
  ClientWithSecretSchema,
  CreateClientBodySchema,
  ListQuerySchema,
  ref,
} from '@portcullis/schemas'
import { CREATED_HEADERS, problem, readPageBy, userProblems, withHeaders } from '@portcullis/service-kit'
import { createClient } from '../../clients/manage.ts'
import { findClientById, listClients, toClient } from '../../clients/queries.ts'
import { formatPlace, parsePlace } from '../../database/place.ts'

export const common = { tags: ['clients'], security: [{ bearer: [] }] }
export const params = Type.Object({ id: ClientIdSchema })

/** Registered clients. For the scope of admins, which lets nobody else in. */
export const clientRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/clients',
    {
      schema: {
        ...common,
        operationId: 'listClients',
        summary: 'List registered clients, newest first',
        description: 'Services and gateways that ask for tokens of their own. Secrets are not shown.',
        querystring: ListQuerySchema,
        response: { 200: ref(ClientPageSchema), ...userProblems('AUTH_FORBIDDEN') },
      },
    },
    async (request) => {
      const { rows, next_cursor } = await readPageBy(
        app.cursors,
        'clients',
        request.query,
        ({ before, limit }) => listClients(app.db, { before: parsePlace(before), limit }),
        (row) => formatPlace({ createdAt: row.created_at.toISOString(), name: row.client_id }),
      )
      return { items: rows.map(toClient), next_cursor }
    },
  )

  app.get(
    '/clients/:id',
    {
      schema: {
        ...common,
        operationId: 'getClient',
        summary: 'Read a registered client',
        description: 'All but its secret, of which only a hash is kept.',
        params,
        response: { 200: ref(ClientSchema), ...userProblems('AUTH_FORBIDDEN', 'NOT_FOUND') },
      },
    },
    async (request) => {
      const client = await findClientById(app.db, request.params.id)
      if (!client) throw problem('NOT_FOUND')
      return toClient(client)
    },
  )

  app.post(
    '/clients',
    {
      schema: {
        ...common,
        operationId: 'createClient',
        summary: 'Register a client',
        description:
          'Answers with its secret, which is shown this once. Without a `client_id` it is given one.',
        body: ref(CreateClientBodySchema),
        response: {
          201: withHeaders(ref(ClientWithSecretSchema), CREATED_HEADERS),
          ...userProblems('AUTH_FORBIDDEN', 'AUTH_CLIENT_TAKEN'),
        },
      },
    },
    async (request, reply) => {
      const { client_id = randomUUID(), name, scopes } = request.body
      const client = await createClient(app.db, { client_id, name, scopes })
      if (!client)
        throw problem('AUTH_CLIENT_TAKEN', {
          errors: [{ pointer: '/client_id', code: 'taken', detail: 'is taken' }],
        })
      reply.header('cache-control', 'no-store').header('location', `/api/v1/clients/${client.client_id}`)
      return reply.code(201).send(client)
    },
  )
}
