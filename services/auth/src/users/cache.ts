import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Outcome } from '../database/transaction.ts'
import { findUserById, toUser } from './queries.ts'

/** What cached answers depend on. Every transaction that changes a user raises these after its commit. */
export const userTopics = {
  /** The newest users. */
  newest: 'users',
  user: (id: string) => `user ${id}`,
}

/** The topics that a transaction makes void. */
export function topicsOf({ change, revoke, touched }: Outcome<unknown>): string[] {
  const ids = new Set<string>()
  if (touched !== undefined) ids.add(touched)
  if (change) ids.add(change.userId)
  if (revoke?.kind === 'user') ids.add(revoke.key)
  return ids.size === 0 ? [] : [userTopics.newest, ...[...ids].map((id) => userTopics.user(id))]
}

/** The user as the JSON text that is sent, out of the cache or the database; undefined if there is none. */
export async function readUser(app: FastifyInstance, id: string): Promise<string | undefined> {
  const topic = userTopics.user(id.toLowerCase())
  return app.cache.get([topic], topic, async () => {
    const user = await findUserById(app.db, id)
    return user && JSON.stringify(toUser(user))
  })
}

/** Sends JSON text as it is. */
export function sendText(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(text)
}
