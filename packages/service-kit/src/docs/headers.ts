/** Headers of answers, by name, as components of an OpenAPI document. */
export const HEADERS = {
  ETag: {
    description: 'Version of what is answered (RFC 9110 section 8.8.3)',
    schema: { type: 'string', examples: ['"3.1"'] },
  },
  'Idempotency-Replayed': {
    description: '`true` if an earlier request with this key was given the same answer; missing otherwise',
    schema: { type: 'string', const: 'true' },
  },
  RateLimit: {
    description: 'How many requests the caller has left, and for how many seconds',
    schema: { type: 'string', examples: ['"default";r=99;t=60'] },
  },
  'RateLimit-Policy': {
    description: 'How many requests a caller has in how many seconds (draft-ietf-httpapi-ratelimit-headers)',
    schema: { type: 'string', examples: ['"default";q=100;w=60'] },
  },
  'Retry-After': {
    description: 'Seconds to wait before the next attempt',
    schema: { type: 'integer', examples: [1] },
  },
  'Revocation-Pending': {
    description: 'How many verifiers have not said yet that they know; missing if nothing was revoked',
    schema: { type: 'integer', examples: [0] },
  },
  'Revocation-Position': {
    description: 'Place of the revocation in the log; missing if nothing was revoked',
    schema: { type: 'string', examples: ['1-42'] },
  },
  'WWW-Authenticate': {
    description: 'How to authenticate (RFC 6750 section 3; at the endpoints of OAuth RFC 6749 section 5.2)',
    schema: { type: 'string', examples: ['Bearer realm="portcullis", error="invalid_token"'] },
  },
} as const

/** Parameters that many routes take, as components of an OpenAPI document. */
export const PARAMETERS = {
  IfRevocationPosition: {
    name: 'If-Revocation-Position',
    in: 'header',
    required: false,
    description:
      'A `Revocation-Position`: the request waits up to 250 ms until the verifier knows the log up to there, and is ' +
      'answered with 503 if it does not, and with 400 if this is no position',
    schema: { type: 'string', pattern: '^\\d{1,16}-\\d{1,16}$' },
  },
} as const

/** The response schema with headers, for the OpenAPI description. */
export function withHeaders<T extends object>(schema: T, headers: Readonly<Record<string, string>>): T {
  const described = Object.entries(headers).map(
    ([name, description]) => [name, { type: 'string', description }] as const,
  )
  return { ...schema, headers: Object.fromEntries(described) }
}

/** Headers of the answer about something new that has an address of its own. */
export const CREATED_HEADERS = { Location: 'Path of what is new' } as const
/** The same, of something that has versions. */
export const VERSIONED_HEADERS = { ...CREATED_HEADERS, ETag: 'Its version, for `If-Match`' } as const
/** Headers of the answer to a revocation that does not say so by a 202. */
export const REVOCATION_HEADERS = {
  'Revocation-Position': HEADERS['Revocation-Position'].description,
  'Revocation-Pending': HEADERS['Revocation-Pending'].description,
} as const
