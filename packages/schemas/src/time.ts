import { Format } from 'typebox/format'

const DATE_TIME =
  /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3])(:[0-5]\d){2}(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/

/**
 * The `date-time` format: RFC 3339, of days that there are and years that PostgreSQL and JavaScript both have, without
 * leap seconds. Offsets are up to 23:59, fractions up to nanoseconds: to be stored as `new Date(value)`, since PostgreSQL
 * knows offsets up to 15:59 and rounds, where JavaScript cuts off.
 */
export function isDateTime(value: string): boolean {
  const [, day] = DATE_TIME.exec(value) ?? []
  const time = Date.parse(value)
  if (day === undefined || Number.isNaN(time) || !isDay(day)) return false
  const year = new Date(time).getUTCFullYear()
  return year >= 1 && year <= 9999
}

/** JavaScript takes the 30th of February for the 2nd of March. */
function isDay(day: string): boolean {
  const time = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day)
}

Format.Set('date-time', isDateTime)
