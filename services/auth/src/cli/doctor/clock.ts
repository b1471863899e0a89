import { Findings, type Finding } from './finding.ts'

const BAD_MS = 5000
const POOR_MS = 1000

/**
 * How far another machine's clock is from this one's.
 *
 * @param read milliseconds since 1970, by the other clock
 */
export async function clockFinding(about: string, read: () => Promise<number>): Promise<Finding> {
  const found = new Findings(about)
  const asked = Date.now()
  const theirs = await read()
  const answered = Date.now()
  // It was read at some time between the two.
  const apart = Math.max(0, Math.abs(theirs - (asked + answered) / 2) - (answered - asked) / 2)
  const text = `${(apart / 1000).toFixed(1)} s from the clock here`
  const advice = 'synchronise the clocks of both machines (NTP)'
  if (apart > BAD_MS) found.failed(`${text}: tokens are refused as expired, or live too long`, advice)
  else if (apart > POOR_MS) found.warning(text, advice)
  else found.ok(text)
  const [finding] = found.all
  return finding ?? { about, state: 'failed', finding: 'unknown' }
}
