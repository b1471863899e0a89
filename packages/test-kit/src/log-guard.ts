import type { Teardown } from './teardown.ts'

/** What gives a secret away by its shape. */
const SHAPES: Readonly<Record<string, RegExp>> = {
  'a token': /eyJ[\w-]{8,}\.[\w-]{8,}/,
  'an Authorization header': /\b(?:Bearer|Basic) [\w+/=.-]{12,}/,
  'an email': /[\w.+-]+@[\w-]+\.(?:com|org|net|test|example)\b/i,
  'a password in a URL': /\b(?:postgres|redis)\w*:\/\/[^:/\s"]*:[^@\s"]+@/,
}

/**
 * A log that keeps nothing and looks at each line: the test fails at its end if something secret stood in one.
 *
 * @param secrets what the test itself knows to be secret, such as the passwords of its users
 */
export function guardLog(t: Teardown, secrets: readonly string[] = []): { write(line: string): void } {
  const found = new Map<string, string>()
  t.teardown(() => {
    const [first] = found
    if (first) throw new Error(`${first[0]} stands in a line of the log: ${first[1].slice(0, 1000)}`)
  })
  return {
    write: (line) => {
      for (const [what, shape] of Object.entries(SHAPES)) if (shape.test(line)) found.set(what, line)
      if (secrets.some((secret) => line.includes(secret))) found.set('a secret of the test', line)
    },
  }
}
