import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isNotModified, notModified } from '@portcullis/service-kit'

/** What cached answers depend on. Writes raise these topics after their commit. */
export const topics = {
  /** Names of authors, and that they exist. */
  authors: 'authors',
  /** The list of all posts, or of one author's. */
  list: (author?: string) => (author === undefined ? 'posts' : `posts of ${author}`),
  post: (id: string) => `post ${id}`,
}

/** The topics that a new, changed or deleted post makes void. */
export function topicsOf(post: { readonly id: string; readonly author_id: string }): string[] {
  return [topics.list(), topics.list(post.author_id), topics.post(post.id)]
}

/** An answer as the cache keeps it: its entity tag, a line break, and its body. */
export function ready(body: object, tag?: string): string {
  const text = JSON.stringify(body)
  return `${tag ?? createHash('sha256').update(text).digest('base64url').slice(0, 22)}\n${text}`
}

/** Sends an answer that is ready, or 304 to those who have it. Whoever keeps it has to ask before using it again. */
export function sendReady(request: FastifyRequest, reply: FastifyReply, answer: string): FastifyReply {
  const end = answer.indexOf('\n')
  reply.header('cache-control', 'no-cache')
  if (isNotModified(request, reply, answer.slice(0, end))) return notModified(reply)
  return reply.type('application/json; charset=utf-8').send(answer.slice(end + 1))
}
