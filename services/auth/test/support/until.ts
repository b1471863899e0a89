import { setTimeout as sleep } from 'node:timers/promises'

const PATIENCE_MS = 10_000

/** Waits for a condition. @throws Error if it does not come true within ten seconds. */
export async function until(condition: () => boolean | Promise<boolean>, what = 'condition'): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`in vain: ${what}`)
    await sleep(5)
  }
}
