import { existsSync, readFileSync } from 'node:fs'

/** The last lines of what a server has logged since the file had `from` bytes; empty if there is no file. */
export function lastWords(log: string, from = 0): string {
  if (!existsSync(log)) return ''
  return readFileSync(log).subarray(from).toString().trim().split('\n').slice(-8).join('\n')
}
