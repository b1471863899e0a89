import { existsSync, globSync, readFileSync, rmSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join, relative } from 'node:path'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { root } from './places.ts'

/** For a run with coverage; the rest of tap's options for it is in `.taprc`. */
export const COVERAGE_ARGUMENTS = ['--no-disable-coverage', '--coverage-report=json-summary']

const SUMMARY = join(root, '.tap/report/coverage-summary.json')
const Counts = Type.Object({ lines: Type.Object({ total: Type.Number(), covered: Type.Number() }) })
const Summary = Compile(Type.Record(Type.String(), Counts))

interface FileCoverage {
  readonly file: string
  readonly total: number
  readonly covered: number
}

/** Forgets the summary of an earlier run. */
export function clearCoverage(): void {
  rmSync(SUMMARY, { force: true })
}

/**
 * How many of the lines of each service and package have run, and their files with the most lines that have not.
 * A file that no test has loaded counts with all its lines.
 */
export function coverageLines(): string[] {
  if (!existsSync(SUMMARY)) return ['No coverage was measured.']
  const measured = Summary.Parse(JSON.parse(readFileSync(SUMMARY, 'utf8')))
  const folders = globSync('{services,packages}/*/src', { cwd: root }).toSorted()
  return folders.flatMap((folder) => {
    const files = globSync(`${folder}/**/*.ts`, { cwd: root }).map((file) => coverageOf(file, measured))
    const sum = (key: 'total' | 'covered') => files.reduce((count, file) => count + file[key], 0)
    if (sum('total') === 0) return []
    const worst = files.toSorted((a, b) => missing(b) - missing(a)).filter((file) => missing(file) > 0)
    return [
      `${percent(sum('covered'), sum('total'))} of ${folder}'s lines`,
      ...worst
        .slice(0, 5)
        .map((file) => `  ${percent(file.covered, file.total)} ${relative(folder, file.file)}`),
    ]
  })
}

function missing({ total, covered }: FileCoverage): number {
  return total - covered
}

function percent(covered: number, total: number): string {
  return `${((100 * covered) / total).toFixed(1).padStart(5)} %`
}

function coverageOf(
  file: string,
  measured: Readonly<Record<string, { lines: Omit<FileCoverage, 'file'> }>>,
): FileCoverage {
  const lines = measured[join(root, file)]?.lines
  if (lines !== undefined) return { file, total: lines.total, covered: lines.covered }
  const source = readFileSync(join(root, file), 'utf8')
  // A file of types alone is never loaded.
  const hasCode = stripTypeScriptTypes(source).replaceAll(/\/\*[^]*?\*\/|\/\/.*|export \{\}|\s|;/g, '') !== ''
  return { file, total: hasCode ? source.split('\n').length - 1 : 0, covered: 0 }
}
