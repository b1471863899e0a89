/**
 * Makes readable lines of tap's raw output: one for each file, and of a file that failed what failed in it, with
 * the diagnostics of the innermost test and what the file printed. For where there is no terminal.
 */
export class TapLines {
  readonly #print: (line: string) => void
  #file: string[] = []
  #inDiagnostics = false

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  /** Takes the next line of tap's output. */
  take(line: string): void {
    const result = /^(ok|not ok) \d+ - (.*?)(?: # time=(.*)| # (?:SKIP|TODO).*)?$/.exec(line)
    if (this.#inDiagnostics || line === '  ---') {
      // How tap started a file that failed, which says nothing about why.
      this.#inDiagnostics = line !== '  ...'
      return
    }
    if (result === null) {
      // Indented lines belong to the file whose result is to come.
      if (line.startsWith('    ')) this.#file.push(line.slice(4))
      else if (line.startsWith('# {') || line.startsWith('# time=')) this.#print(line.slice(2))
      return
    }
    const [, verdict, name = '', time = ''] = result
    this.#print(`${verdict === 'ok' ? 'ok  ' : 'FAIL'} ${time.padStart(10)}  ${name}`)
    if (verdict !== 'ok') for (const text of failures(this.#file)) this.#print(`     ${text}`)
    this.#file = []
  }
}

const NOISE = /^\s*(?:# Subtest.*|# time=.*|\d+\.\.\d+|)$/

function failures(lines: readonly string[]): string[] {
  const kept: string[] = []
  let lastDepth = -1
  /** What becomes of the diagnostics that may follow a result. */
  let fate: 'keep' | 'drop' | undefined
  let inDiagnostics = false
  for (const line of lines) {
    const text = line.trim()
    if (inDiagnostics) {
      inDiagnostics = text !== '...'
      if (inDiagnostics && fate === 'keep') kept.push(line)
      continue
    }
    inDiagnostics = fate !== undefined && text === '---'
    if (inDiagnostics) continue
    fate = undefined
    const result = /^(ok|not ok) \d+(?: - (.*?))?(?: # time=.*)?$/.exec(text)
    if (result === null) {
      if (!NOISE.test(line)) kept.push(line)
      continue
    }
    fate = 'drop'
    if (result[1] === 'ok') continue
    // A test fails with the tests in it; the innermost comes first and alone has something to tell.
    const depth = line.search(/\S/)
    const isOuter = lastDepth > depth
    kept.push(`${' '.repeat(depth)}${isOuter ? 'in' : '✖'} ${result[2] ?? ''}`)
    lastDepth = depth
    fate = isOuter ? 'drop' : 'keep'
  }
  return kept
}
