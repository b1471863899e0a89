import type { Test } from 'tap'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { ProblemSchema } from '@portcullis/schemas'
import type { App } from '@portcullis/service-kit'
import { ISSUER } from './app.ts'

const problems = Compile(ProblemSchema)
export type Problem = Static<typeof ProblemSchema>

/** The body as a problem document, checked for what holds of every problem. */
export function asProblem(t: Test, response: LightMyRequestResponse): Problem {
  t.match(response.headers['content-type'], /^application\/problem\+json/)
  t.equal(response.headers['cache-control'], 'no-store')
  const body: unknown = JSON.parse(response.body)
  if (!problems.Check(body)) throw new Error(`not a problem document: ${response.body}`)
  t.equal(body.status, response.statusCode)
  t.equal(body.type, `${ISSUER}/problems/${body.code}`)
  t.equal(body.instance, response.headers['x-request-id'])
  return body
}

export async function problemOf(t: Test, app: App, options: InjectOptions): Promise<Problem> {
  return asProblem(t, await app.inject(options))
}
