import type { Tag } from '@portcullis/service-kit'

/** Of the service, at the head of its OpenAPI document. */
export const DESCRIPTION = `Users, sessions and signing keys: issues tokens and revokes them.

**To try it here**: \`POST /api/v1/signup\`, then \`POST /api/v1/login\`, copy \`access_token\` from the answer, press
**Authorize** and paste it under *bearer*.

- A login opens a session and gives a pair: an access token for 15 minutes, which every service verifies by itself, and
  a refresh token, which \`POST /api/v1/refresh\` exchanges once for the next pair.
- What revokes tokens answers 200 when no verifier accepts them any more, and 202 with the same body when that is
  decided and not every verifier has said so within a second.
- Every error is a [problem document](https://www.rfc-editor.org/rfc/rfc9457). Its \`code\` is stable, its \`type\` leads to
  a page about it, its \`instance\` is the id of the request, which is the header \`X-Request-Id\`, too. The routes under
  \`/oauth\` answer errors as RFC 6749 has them.
- JSON fields and query parameters that are not known are refused.
- Lists are newest first, \`?limit=\` items a page, \`?cursor=\` the \`next_cursor\` of the page before.`

/** Groups of routes, in the order in which somebody meets them. */
export const TAGS: readonly Tag[] = [
  { name: 'users', description: 'Signing up, one’s own profile, and what admins see and do of users' },
  { name: 'sessions', description: 'Logging in and out, tokens, devices and their history' },
  { name: 'roles', description: 'Roles, and who has them: for admins' },
  { name: 'clients', description: 'Services and gateways that have tokens of their own: for admins' },
  { name: 'oauth', description: 'The endpoints of OAuth 2.0, for registered clients' },
  { name: 'discovery', description: 'What a verifier has to know of this issuer' },
  {
    name: 'services',
    description: 'What verifiers and other services follow, with the token of a registered client',
  },
  { name: 'gateways', description: 'What gateways ask before they pass a request on' },
]
