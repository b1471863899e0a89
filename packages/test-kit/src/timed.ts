const LOOK_EVERY_MS = 10
/** A timer is late by less on a machine that is not overloaded. */
const USUAL_GAP_MS = 40

/**
 * Does the work and takes its time, without the pauses in which the machine ran others in the place of this process:
 * what is promised is how long the work waits, and no promise outruns a machine that stands still.
 *
 * @returns what came of it, and the time in milliseconds
 */
export async function timed<T>(work: () => Promise<T>): Promise<[result: T, ms: number]> {
  const began = performance.now()
  let [seenAt, cpu, lostMs] = [began, process.cpuUsage(), 0]
  const look = () => {
    const [now, used] = [performance.now(), process.cpuUsage(cpu)]
    const gap = now - seenAt
    // A process that was busy by itself has lost nothing.
    if (gap > USUAL_GAP_MS) lostMs += Math.max(0, gap - LOOK_EVERY_MS - (used.user + used.system) / 1000)
    seenAt = now
    cpu = process.cpuUsage()
  }
  const timer = setInterval(look, LOOK_EVERY_MS)
  try {
    const result = await work()
    look()
    return [result, performance.now() - began - lostMs]
  } finally {
    clearInterval(timer)
  }
}
