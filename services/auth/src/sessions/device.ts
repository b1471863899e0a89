import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'

export interface Device {
  readonly ip: string | null
  readonly user_agent: string | null
}

/** Longest part of a user agent that is kept, in characters. */
const MAX_USER_AGENT = 400

/**
 * Where the request comes from, as sessions and the login history keep it. An address that a trusted proxy names
 * can be any text; what is none is not kept, and neither is the zone of a link-local one.
 */
export function deviceOf(request: FastifyRequest): Device {
  const [address = ''] = request.ip.split('%')
  const agent = request.headers['user-agent']
  return {
    ip: isIP(address) === 0 ? null : address,
    user_agent: agent?.slice(0, MAX_USER_AGENT).toWellFormed() ?? null,
  }
}
