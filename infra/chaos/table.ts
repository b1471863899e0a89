import type { Finding } from './tally.ts'

const NAME = 62

/** The first two lines of the table, in Markdown. */
export function header(): string {
  const names = row('injected', 'revocations', 'accepted after the answer', 'repaired in', 'took', '')
  return `${names}\n|${'-'.repeat(NAME + 2)}|${'-'.repeat(13)}|${'-'.repeat(27)}|${'-'.repeat(13)}|${'-'.repeat(9)}|---|`
}

export function line(name: string, finding: Finding, tookMs: number): string {
  const { revocations, accepted, repairedMs, isRepaired, note = '' } = finding
  const time = repairedMs === undefined ? '' : `${(repairedMs / 1000).toFixed(2)} s`
  const repaired = isRepaired ? time : 'never'
  return row(
    name,
    String(revocations),
    String(accepted),
    repaired,
    `${(tookMs / 1000).toFixed(1)} s`,
    note.trim(),
  )
}

function row(
  name: string,
  revocations: string,
  accepted: string,
  repaired: string,
  took: string,
  note: string,
): string {
  const cells = [
    name.padEnd(NAME),
    revocations.padStart(11),
    accepted.padStart(25),
    repaired.padStart(11),
    took.padStart(7),
  ]
  return `| ${cells.join(' | ')} | ${note} |`
}
