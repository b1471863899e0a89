import type { FastifyRequest } from 'fastify'
import { isUserClaims } from '@portcullis/schemas'

/** Who is calling, for the limits: the user or client of the token, if there is one and it is good. */
export async function callerOf(request: FastifyRequest): Promise<string | undefined> {
  if (request.headers.authorization === undefined) return undefined
  await request.jwtVerify()
  return isUserClaims(request.user) ? `user:${request.user.sub}` : `client:${request.user.client_id}`
}
