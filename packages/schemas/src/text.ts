import { Format } from 'typebox/format'

/**
 * The `text` format: what PostgreSQL can store and every reader decodes alike. Refuses NUL, which PostgreSQL
 * cannot hold, and lone surrogates, which would silently become U+FFFD on their way there.
 */
export function isText(value: string): boolean {
  return value.isWellFormed() && !value.includes('\u0000')
}

Format.Set('text', isText)
