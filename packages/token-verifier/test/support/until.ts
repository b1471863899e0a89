import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves once the condition holds. @throws Error if it does not within the time. */
export async function until(condition: () => unknown, ms = 5000): Promise<void> {
  const end = performance.now() + ms
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${condition.toString()}`)
    await sleep(5)
  }
}
