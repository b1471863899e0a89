import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ADMIN_ROLE } from '../../users/admins.ts'
import { clientChangeRoutes } from '../clients/change-routes.ts'
import { clientRoutes } from '../clients/routes.ts'
import { roleRoutes } from '../roles/routes.ts'
import { userAdminRoutes } from '../user-admin/routes.ts'
import { userRoleRoutes } from '../user-roles/routes.ts'

/** The routes of admins, in a scope that nobody else gets into. */
export const adminRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.requireRole(ADMIN_ROLE))
  await app.register(userAdminRoutes)
  await app.register(userRoleRoutes)
  await app.register(roleRoutes)
  await app.register(clientRoutes)
  await app.register(clientChangeRoutes)
}
