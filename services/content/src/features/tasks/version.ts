import type { TaskRow } from './queries.ts'

/** The entity tag of a task. */
export function tagOf(row: TaskRow): string {
  return String(row.version)
}

/** The versions that entity tags name. Tags of another form name none. */
export function versionsOf(tags: readonly string[]): number[] {
  return tags.filter((tag) => /^(?:0|[1-9]\d{0,14})$/.test(tag)).map(Number)
}
