import type { FastifyRequest } from 'fastify'
import type { Refreshed } from './refresh.ts'

/** A security line in the log if a refresh token came for the second time: somebody else may hold it. */
export function noteReuse(request: FastifyRequest, refreshed: Refreshed): void {
  if (refreshed.outcome === 'AUTH_REFRESH_REUSED')
    request.log.warn(
      { security: 'refresh_reuse', ...refreshed.subject },
      'refresh token used twice, session ended',
    )
}
