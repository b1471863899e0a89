import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isNotModified, notModified, type Topics } from '@portcullis/service-kit'

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

/** Where an answer is kept in the cache. */
export interface Place {
  readonly topics: Topics
  readonly key: string
}

/** Sends an answer that is ready, or 304 to those who have it. Whoever keeps it has to ask before using it again. */
export function sendReady(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: string,
  { topics, key }: Place,
): FastifyReply {
  const end = answer.indexOf('\n')
  reply.header('cache-control', 'no-cache')
  const isKnown = isNotModified(request, reply, answer.slice(0, end))
  const body = isKnown ? undefined : answer.slice(end + 1)
  const { cache, storeAnswer } = request.server
  storeAnswer(request, reply, { body, isCurrent: () => cache.peek(topics, key) === answer })
  return body === undefined ? notModified(reply) : reply.type('application/json; charset=utf-8').send(body)
}
