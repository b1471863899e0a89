import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves when the condition holds. @throws Error if it does not within the time. */
export async function until(condition: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  const deadline = performance.now() + ms
  while (!(await condition())) {
    if (performance.now() > deadline)
      throw new Error(`did not come about within ${ms} ms: ${condition.toString()}`)
    await sleep(2)
  }
}
