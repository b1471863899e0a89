import { setTimeout as sleep } from 'node:timers/promises'
import { isAnswered } from '../dev/answers.ts'
import { say, since } from '../dev/screen.ts'
import { walk } from '../dev/walk-fetch.ts'
import { steps } from '../dev/walk-steps.ts'
import { inspect, type Project } from './engine.ts'

const READY_PATIENCE_MS = 120_000

/** @throws Error at the first step of the walk that is not answered as it should be. */
export async function walkThrough(origin: string, when: string): Promise<void> {
  const began = performance.now()
  let right = 0
  for await (const { step, status, text } of walk(origin)) {
    if (status !== step.status)
      throw new Error(
        `${when}: ${step.title} answered ${status} instead of ${step.status}: ${text.slice(0, 500)}`,
      )
    right += 1
  }
  if (right !== steps.length) throw new Error(`${when}: only ${right} of ${steps.length} steps were made`)
  say('walk', `${when}: ${right} steps as expected (${since(began)})`)
}

/** Resolves when every container is healthy and the gateway says that both services are ready. */
export async function untilReady(
  project: Project,
  origin: string,
  services: readonly string[],
): Promise<void> {
  const deadline = performance.now() + READY_PATIENCE_MS
  for (;;) {
    const states = await Promise.all(
      services.map(async (service) => {
        const ids = await project.containers(service)
        const healths = await Promise.all(
          ids.map((id) => inspect('container', id, '{{.State.Health.Status}}')),
        )
        return healths.length > 0 && healths.every((health) => health === 'healthy') ? [] : [service]
      }),
    )
    const waiting = states.flat()
    if (waiting.length === 0 && (await isAnswered(`${origin}/health/ready`))) return
    if (performance.now() > deadline)
      throw new Error(`not ready after ${READY_PATIENCE_MS / 1000} s: ${waiting.join(', ') || 'the gateway'}`)
    await sleep(250)
  }
}
