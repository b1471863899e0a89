import pg from 'pg'

/** The driver's own, whose type is none. */
const parse: unknown = pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ)

/** Where the parts of `2026-11-23 10:05:07.25+00` are. Other years have other lengths, and other zones other ends. */
const DATE_END = 10
const SECONDS_END = 19
const UTC = '+00'

/**
 * The text of a `timestamptz` in ISO 8601 (RFC 3339): UTC, cut to the millisecond, as `Date.toISOString()` writes it. Text
 * by text, which takes a tenth of the way over a `Date`; in other zones than UTC, and before the year 1, that way.
 *
 * @param text as PostgreSQL writes it, with `DateStyle` ISO. `infinity` stays as it is.
 */
export function isoTimeOf(text: string): string {
  if (text[DATE_END] !== ' ' || !text.endsWith(UTC)) return isoTimeByDate(text)
  const milliseconds = text
    .slice(SECONDS_END + 1, -UTC.length)
    .slice(0, 3)
    .padEnd(3, '0')
  return `${text.slice(0, DATE_END)}T${text.slice(DATE_END + 1, SECONDS_END)}.${milliseconds}Z`
}

function isoTimeByDate(text: string): string {
  const time: unknown = typeof parse === 'function' ? Reflect.apply(parse, pg.types, [text]) : text
  return time instanceof Date ? time.toISOString() : text
}
