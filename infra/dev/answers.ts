import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasEnded, howEnded } from './processes.ts'
import { StopError } from './stop-error.ts'

/** Whether a GET is answered with 200 in time; the body is not read. */
export async function isAnswered(url: string, patienceMs = 2000): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(patienceMs) })
    await response.body?.cancel()
    return response.status === 200
  } catch {
    return false
  }
}

/**
 * Waits until a program answers a GET with 200.
 *
 * @throws StopError with its name if it ends before, or does not answer in time.
 */
export async function untilAnswered(
  { name, child }: { readonly name: string; readonly child: ChildProcess },
  url: string,
  { patienceMs = 30_000, everyMs = 20 } = {},
): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await isAnswered(url))) {
    if (hasEnded(child)) throw new StopError(`${name} has ended while starting: ${howEnded(child)}`)
    if (performance.now() > deadline) throw new StopError(`${name} is not ready after ${patienceMs / 1000} s`)
    await sleep(everyMs)
  }
}
