/** Grows from attempt to attempt, with chance in it, so that many do not come back as one. */
export function backoffMs(attempt: number, first: number, longest: number): number {
  return Math.min(first * 2 ** attempt, longest) * (0.5 + Math.random() / 2)
}
