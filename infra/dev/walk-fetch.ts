import { randomBytes } from 'node:crypto'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { reasonOf } from './stop-error.ts'
import { steps, VARIABLE, type Step } from './walk-steps.ts'

export interface StepResult {
  readonly step: Step
  /** Of the answer; 0 if there was none. */
  readonly status: number
  /** The answer, or why there is none. */
  readonly text: string
}

const Fields = Compile(Type.Record(Type.String(), Type.Unknown()))

/** Makes the walk with a new user and gives each step's outcome as it comes; ends after one that went wrong. */
export async function* walk(origin: string): AsyncGenerator<StepResult> {
  const variables = new Map([['$NAME', `ada-${randomBytes(6).toString('hex')}`]])
  for (const step of steps) {
    const result = await take(origin, step, variables)
    yield result
    if (result.status !== step.status) return
    const keep = Object.entries(step.keep ?? {})
    if (keep.length === 0) continue
    const answer = Fields.Parse(JSON.parse(result.text))
    for (const [variable, field] of keep) variables.set(`$${variable}`, String(answer[field]))
  }
}

async function take(origin: string, step: Step, variables: ReadonlyMap<string, string>): Promise<StepResult> {
  const fill = (text: string) => text.replaceAll(VARIABLE, (name) => variables.get(name) ?? name)
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (step.token !== undefined) headers['authorization'] = fill(`Bearer $${step.token}`)
  try {
    const response = await fetch(`${origin}/api/v1${fill(step.path)}`, {
      method: step.method,
      headers,
      ...(step.body !== undefined && { body: fill(JSON.stringify(step.body)) }),
    })
    return { step, status: response.status, text: await response.text() }
  } catch (error) {
    return { step, status: 0, text: reasonOf(error) }
  }
}
