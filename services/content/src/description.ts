import type { Tag } from '@portcullis/service-kit'

/** Of the service, at the head of its OpenAPI document. */
export const DESCRIPTION = `Posts for everybody, tasks for their owners: the example of a resource server. Verifies every
token by itself, and refuses one that was revoked as soon as the revocation was answered with 200.

**To try it here**: copy the \`access_token\` that \`POST /api/v1/login\` of auth gives, press **Authorize** and paste it
under *bearer*.

- \`ETag\` is the version of what is answered: \`If-None-Match\` on reads, \`If-Match\` on writes.
- \`Idempotency-Key\` makes a creation safe to repeat for 24 hours.
- Every error is a [problem document](https://www.rfc-editor.org/rfc/rfc9457). Its \`code\` is stable, its \`type\` leads to
  a page about it, its \`instance\` is the id of the request, which is the header \`X-Request-Id\`, too.
- JSON fields and query parameters that are not known are refused.
- Lists are newest first, \`?limit=\` items a page, \`?cursor=\` the \`next_cursor\` of the page before.`

/** Groups of routes. */
export const TAGS: readonly Tag[] = [
  { name: 'posts', description: 'Anyone reads them, users write them' },
  { name: 'tasks', description: 'Each for its owner alone' },
]
