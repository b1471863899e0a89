import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { reasonOf } from './stop-error.ts'

/**
 * The arguments of a command. It ends here, with 1, where there are others than these, and says which and how it is
 * used; with 0 where it is asked for `--help`.
 *
 * @param usage such as `npm run soak [-- --minutes 10]`
 * @param options as `parseArgs` takes them
 * @param most how many there may be that belong to no option
 */
export function readArguments<const T extends ParseArgsOptionsConfig>(
  usage: string,
  options: T,
  { most = 0 }: { readonly most?: number } = {},
) {
  helpIfAsked(usage)
  try {
    const read = parseArgs({ options, allowPositionals: most > 0 })
    const positionals: readonly string[] = read.positionals
    const tooMany = positionals[most]
    if (tooMany !== undefined) refuse(usage, `Unexpected argument '${tooMany}'`)
    return { values: read.values, positionals }
  } catch (error) {
    return refuse(usage, reasonOf(error))
  }
}

/** For a command that hands its arguments on. */
export function helpIfAsked(usage: string): void {
  if (!process.argv.includes('--help')) return
  console.log(`usage: ${usage}`)
  process.exit(0)
}

/** Ends a command whose arguments are wrong. */
export function refuse(usage: string, reason: string): never {
  console.error(`${reason}\nusage: ${usage}`)
  process.exit(1)
}

/** The number above 0 that an option was given as; ends the command where it is none. */
export function numberOf(usage: string, option: string, text: string): number {
  const number = Number(text)
  return number > 0 && Number.isFinite(number)
    ? number
    : refuse(usage, `${option} takes a number above 0, not '${text}'`)
}
