import { PROBLEMS, ProblemSchema, ref, type ProblemCode } from '@portcullis/schemas'

/**
 * Response schemas of the errors that a route answers with, for its OpenAPI description: spread it into
 * `schema.response`. Codes of one status are listed together. Handlers throw problems and never return them, so
 * the type is empty and leaves the type of a handler's answer to the successes.
 */
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- meant to add nothing where it is spread
export function problemResponses(...codes: ProblemCode[]): Record<never, never> {
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      {
        description: group.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('; '),
        content: { 'application/problem+json': { schema: ref(ProblemSchema) } },
      },
    ]),
  )
}
