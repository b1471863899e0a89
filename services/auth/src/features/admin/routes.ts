import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ADMIN_ROLE } from '../../users/last-admin.ts'
import { clientChangeRoutes } from '../clients/change.ts'
import { clientRoutes } from '../clients/routes.ts'

/** The routes of admins, in a scope that nobody else gets into. */
export const adminRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.requireRole(ADMIN_ROLE))
  await app.register(clientRoutes)
  await app.register(clientChangeRoutes)
}
