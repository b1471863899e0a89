import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import {
  CreateRoleBodySchema,
  ListQuerySchema,
  RoleNameSchema,
  RolePageSchema,
  RoleSchema,
  ref,
} from '@portcullis/schemas'
import { problem, readPageBy, userProblems } from '@portcullis/service-kit'
import { formatPlace, parsePlace } from '../../database/place.ts'
import { deleteRole } from '../../roles/delete.ts'
import { insertRole, listRoles, toRole } from '../../roles/queries.ts'

const common = { tags: ['roles'], security: [{ bearer: [] }] }

/** For the scope of admins, which lets nobody else in. */
export const roleRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/roles',
    {
      schema: {
        ...common,
        operationId: 'listRoles',
        summary: 'List roles, newest first',
        description: 'The built-in ones, `admin`, `moderator` and `user`, among them.',
        querystring: ListQuerySchema,
        response: { 200: ref(RolePageSchema), ...userProblems('AUTH_FORBIDDEN') },
      },
    },
    async (request) => {
      const { rows, next_cursor } = await readPageBy(
        app.cursors,
        'roles',
        request.query,
        ({ before, limit }) => listRoles(app.db, { before: parsePlace(before), limit }),
        (row) => formatPlace({ createdAt: row.created_at.toISOString(), name: row.name }),
      )
      return { items: rows.map(toRole), next_cursor }
    },
  )

  app.post(
    '/roles',
    {
      schema: {
        ...common,
        operationId: 'createRole',
        summary: 'Create a role',
        description:
          'A name for what services make of it: the roles of a user are a claim of each access token.',
        body: ref(CreateRoleBodySchema),
        response: { 201: ref(RoleSchema), ...userProblems('AUTH_FORBIDDEN', 'AUTH_ROLE_TAKEN') },
      },
    },
    async (request, reply) => {
      const { name, description = '' } = request.body
      const role = await insertRole(app.db, { name, description })
      if (!role)
        throw problem('AUTH_ROLE_TAKEN', {
          errors: [{ pointer: '/name', code: 'taken', detail: 'is taken' }],
        })
      return reply.code(201).send(toRole(role))
    },
  )

  app.delete(
    '/roles/:name',
    {
      schema: {
        ...common,
        operationId: 'deleteRole',
        summary: 'Delete a role that nobody holds',
        description: 'Answers with what was deleted. Built-in roles stay.',
        params: Type.Object({ name: RoleNameSchema }),
        response: {
          200: ref(RoleSchema),
          ...userProblems('AUTH_FORBIDDEN', 'NOT_FOUND', 'AUTH_ROLE_BUILT_IN', 'AUTH_ROLE_HELD'),
        },
      },
    },
    async (request) => {
      const deleted = await deleteRole(app.transact, request.params.name)
      if (deleted.outcome !== 'deleted') throw problem(deleted.outcome)
      return toRole(deleted.role)
    },
  )
}
