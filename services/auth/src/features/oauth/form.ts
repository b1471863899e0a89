/**
 * The parameters of a form. Those without a value count as left out (RFC 6749 section 3.2); what is given more
 * than once is an array, which no schema of a form takes.
 */
export function parseForm(text: string): Record<string, string | string[]> {
  const given = [...new URLSearchParams(text)].filter(([, value]) => value !== '')
  const byName = Map.groupBy(given, ([name]) => name)
  return Object.fromEntries(
    [...byName].map(([name, [first, ...others]]) => [
      name,
      others.length === 0 ? (first?.[1] ?? '') : [first, ...others].map((pair) => pair?.[1] ?? ''),
    ]),
  )
}
