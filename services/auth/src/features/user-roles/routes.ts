import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from 'typebox'
import {
  IdParamsSchema,
  MAX_ROLES_PER_USER,
  RoleNameSchema,
  UserRolesBodySchema,
  UserSchema,
  ref,
  type User,
} from '@portcullis/schemas'
import { problem, userProblems } from '@portcullis/service-kit'
import { hasRole } from '../../roles/queries.ts'
import { changeRoles, type ChangedRoles } from '../../users/change-roles.ts'
import { byAdmin } from '../../users/lock-user.ts'
import { toUser } from '../../users/queries.ts'

const description =
  'The user’s access tokens die at once; the sessions live on and refresh into the new roles. The last active ' +
  'admin stays one.'
const common = { description, tags: ['roles'], security: [{ bearer: [] }] }
const params = Type.Object({ ...IdParamsSchema.properties, name: RoleNameSchema })
const response = {
  200: ref(UserSchema),
  202: ref(UserSchema),
  ...userProblems('AUTH_FORBIDDEN', 'NOT_FOUND', 'AUTH_LAST_ADMIN'),
}

/** For the scope of admins, which lets nobody else in. */
export const userRoleRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.put(
    '/users/:id/roles',
    {
      schema: {
        ...common,
        operationId: 'replaceUserRoles',
        summary: 'Replace the roles of a user',
        params: IdParamsSchema,
        body: ref(UserRolesBodySchema),
        response,
      },
    },
    async (request, reply) => {
      const { roles } = request.body
      const changed = await changeRoles(app, byAdmin(request.user), request.params.id, () => roles)
      if (changed.outcome === 'unknown_roles')
        throw problem('REQUEST_INVALID', {
          errors: changed.names.map((name) => ({
            pointer: `/roles/${roles.indexOf(name)}`,
            code: 'unknown',
            detail: 'is not a role',
          })),
        })
      return answer(app, reply, changed)
    },
  )

  app.put(
    '/users/:id/roles/:name',
    { schema: { ...common, operationId: 'grantRole', summary: 'Give a user a role', params, response } },
    async (request, reply) => {
      const { id, name } = request.params
      const changed = await changeRoles(app, byAdmin(request.user), id, (roles) => {
        const granted = [...new Set([...roles, name])]
        if (granted.length > MAX_ROLES_PER_USER)
          throw problem('REQUEST_INVALID', {
            errors: [
              { parameter: 'name', code: 'too_many', detail: `is one more than ${MAX_ROLES_PER_USER}` },
            ],
          })
        return granted
      })
      return answer(app, reply, changed)
    },
  )

  app.delete(
    '/users/:id/roles/:name',
    {
      schema: {
        ...common,
        operationId: 'takeRole',
        summary: 'Take a role away from a user',
        params,
        response,
      },
    },
    async (request, reply) => {
      const { id, name } = request.params
      if (!(await hasRole(app.db, name))) throw problem('NOT_FOUND')
      const changed = await changeRoles(app, byAdmin(request.user), id, (roles) =>
        roles.filter((role) => role !== name),
      )
      return answer(app, reply, changed)
    },
  )
}

async function answer(app: FastifyInstance, reply: FastifyReply, changed: ChangedRoles): Promise<User> {
  if (changed.outcome === 'unknown_roles') throw problem('NOT_FOUND')
  if (changed.outcome !== 'changed') throw problem(changed.outcome)
  if (changed.receipt) await app.barrier.settle(reply, changed.receipt)
  return toUser(changed.user)
}
