import type { FastifySchema, RouteOptions } from 'fastify'
import { PROBLEMS, type ProblemCode } from '@portcullis/schemas'
import { takesNoQuery } from '../http/refusals.ts'
import { isProblemCode } from '../problems/problem.ts'
import { PROBLEM_CODES } from '../problems/responses.ts'

const READING = new Set(['GET', 'HEAD'])

interface Route {
  readonly schema: FastifySchema | undefined
  readonly url: string
  readonly route: RouteOptions
}

/**
 * For @fastify/swagger: takes the problems out of a route's responses and gives all that it may answer, those that
 * every route may answer too, as a list that `complete` makes responses of. A route whose errors are of another kind
 * is left as it is.
 */
export function listProblems({ schema, url, route }: Route) {
  if (schema === undefined) return { schema: {}, url }
  const responses = Object.entries({ ...(typeof schema.response === 'object' && schema.response) })
  const own = responses.flatMap(([, response]) => codesOf(response))
  const others = responses.filter(([, response]) => codesOf(response).length === 0)
  if (others.some(([status]) => /^[45]/.test(status))) return { schema, url }
  const all = new Set([...commonProblems(schema, url, route), ...own])
  return {
    schema: { ...schema, response: Object.fromEntries(others), [PROBLEM_CODES]: byCatalogue(all) },
    url,
  }
}

function codesOf(response: unknown): ProblemCode[] {
  const codes: unknown = Reflect.get(Object(response), PROBLEM_CODES)
  return Array.isArray(codes) ? codes.filter((code) => isProblemCode(code)) : []
}

/** In the order of the catalogue, so that the document does not change with the order of a list. */
function byCatalogue(codes: ReadonlySet<ProblemCode>): ProblemCode[] {
  return Object.keys(PROBLEMS)
    .filter((code) => isProblemCode(code))
    .filter((code) => codes.has(code))
}

/** What may go wrong whatever the route does. */
function commonProblems(schema: FastifySchema, url: string, route: RouteOptions): ProblemCode[] {
  const { quiet = false, rateLimit } = route.config ?? {}
  const writes = [route.method].flat().some((method) => !READING.has(method))
  const codes: ProblemCode[] = ['HEADERS_TOO_LARGE']
  if (schema.params ?? schema.querystring ?? schema.headers ?? schema.body ?? takesNoQuery(url, schema))
    codes.push('REQUEST_INVALID')
  if (writes || url.includes(':')) codes.push('REQUEST_MALFORMED')
  if (writes) codes.push('REQUEST_TOO_LARGE', 'REQUEST_TIMEOUT', 'MEDIA_TYPE_UNSUPPORTED')
  if (writes) codes.push('CONFLICT', 'OUTCOME_UNKNOWN')
  if (rateLimit !== false) codes.push('RATE_LIMITED')
  if (!quiet) codes.push('INTERNAL', 'UNAVAILABLE')
  return codes
}
