import { PROBLEMS, ProblemSchema, ref, type ProblemCode } from '@portcullis/schemas'

/** Key under which a response schema of `problemResponses` carries its codes to the OpenAPI document. */
export const PROBLEM_CODES = 'x-problems'

/**
 * Response schemas of the errors that a route answers with, for its OpenAPI description: spread it into
 * `schema.response`. What any route may answer need not be listed, see `docs/list-problems.ts`. Handlers throw problems
 * and never return them, so the type is empty and leaves the type of a handler's answer to the successes.
 */
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- meant to add nothing where it is spread
export function problemResponses(...codes: ProblemCode[]): Record<never, never> {
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      { [PROBLEM_CODES]: group, content: { 'application/problem+json': { schema: ref(ProblemSchema) } } },
    ]),
  )
}

const TOKEN = ['AUTH_TOKEN_MISSING', 'AUTH_TOKEN_INVALID', 'AUTH_REVOCATIONS_STALE'] as const

/** Errors of a route for users with an access token, and `codes` of its own. */
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- meant to add nothing where it is spread
export function userProblems(...codes: ProblemCode[]): Record<never, never> {
  return problemResponses(...TOKEN, 'AUTH_CLIENT_TOKEN', ...codes)
}

/** Errors of a route for registered clients, and `codes` of its own. */
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- meant to add nothing where it is spread
export function clientProblems(...codes: ProblemCode[]): Record<never, never> {
  return problemResponses(...TOKEN, 'AUTH_SCOPE_INSUFFICIENT', ...codes)
}
