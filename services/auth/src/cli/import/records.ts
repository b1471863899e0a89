import { Readable, pipeline } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { Refusal } from '../context.ts'
import { COLUMNS } from './row.ts'

/** One line of the file, as far as it could be read. */
export interface FileRecord {
  /** Counted from 1; a CSV file's header is line 1. */
  readonly line: number
  readonly value: unknown
  /** Why there is no value. */
  readonly problem?: string
}

export type Format = 'csv' | 'jsonl'

/** More than anything that can be imported fills. */
const MAX_LINE_LENGTH = 65_536

/**
 * The records of a file, read as they are asked for.
 *
 * @throws {Refusal} if the file is no UTF-8 text, or not of this format beyond some line
 */
export async function* readRecords(input: Readable, format: Format): AsyncGenerator<FileRecord> {
  try {
    yield* format === 'csv' ? readCsv(input) : readJsonLines(input)
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') throw new Refusal('the file is not text in UTF-8')
    throw error
  }
}

async function* decode(input: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for await (const chunk of input) {
    const bytes: unknown = chunk
    yield decoder.decode(bytes instanceof Uint8Array ? bytes : Buffer.from(String(bytes)), { stream: true })
  }
  yield decoder.decode()
}

async function* readJsonLines(input: Readable): AsyncGenerator<FileRecord> {
  let line = 0
  for await (const text of linesOf(decode(input))) {
    line++
    if (text.trim() === '') continue
    yield toRecord(line, text)
  }
}

function toRecord(line: number, text: string): FileRecord {
  if (text.length > MAX_LINE_LENGTH) return { line, value: undefined, problem: 'is too long' }
  try {
    return { line, value: JSON.parse(text) }
  } catch {
    return { line, value: undefined, problem: 'is not JSON' }
  }
}

/** Of a line that is too long only as much as shows that it is. */
async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split(/\r?\n/)
    rest = (lines.pop() ?? '').slice(0, MAX_LINE_LENGTH + 1)
    yield* lines
  }
  yield rest
}

async function* readCsv(input: Readable): AsyncGenerator<FileRecord> {
  const parser = parse({
    columns: headerOf,
    info: true,
    skipEmptyLines: true,
    maxRecordSize: MAX_LINE_LENGTH,
  })
  pipeline(Readable.from(decode(input)), parser, () => undefined)
  try {
    for await (const entry of parser) {
      const found: unknown = entry
      const record: unknown = Reflect.get(Object(found), 'record')
      const line = Number(Reflect.get(Object(Reflect.get(Object(found), 'info')), 'lines'))
      yield { line, value: withoutEmpty(record) }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new Refusal(`line ${Number(error['lines'] ?? 1)} is not CSV: ${REASONS[error.code] ?? error.code}`)
  }
}

/** csv-parse's own messages repeat what stands in the line. */
const REASONS: Readonly<Record<string, string>> = {
  CSV_RECORD_INCONSISTENT_COLUMNS: 'it has more or fewer cells than the header',
  CSV_QUOTE_NOT_CLOSED: 'a quotation mark is not closed',
  INVALID_OPENING_QUOTE: 'a quotation mark stands within a cell',
  CSV_INVALID_CLOSING_QUOTE: 'something follows the closing quotation mark',
  CSV_MAX_RECORD_SIZE: 'it is too long',
}

function headerOf(header: readonly string[]): string[] {
  const unknown = header.filter((name) => !COLUMNS.includes(name))
  if (unknown.length > 0 || new Set(header).size < header.length)
    throw new Refusal(`line 1 has to name columns, each once, out of ${COLUMNS.join(', ')}`)
  return [...header]
}

/** An empty cell is no value; roles are separated by spaces. */
function withoutEmpty(record: unknown): unknown {
  if (typeof record !== 'object' || record === null) return record
  const cells = Object.entries(record).flatMap(([name, value]): [string, unknown][] => {
    const cell = String(value)
    return cell === '' ? [] : [[name, name === 'roles' ? cell.trim().split(/\s+/) : cell]]
  })
  return Object.fromEntries(cells)
}
