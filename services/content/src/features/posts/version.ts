import type { PostRow, PostVersion } from './queries.ts'

/** The entity tag of a post: its own version and its author's, since a new name changes what is answered. */
export function tagOf(row: PostRow): string {
  return `${row.version}-${row.author_version}`
}

/** The versions that entity tags name. Tags of another form name none. */
export function versionsOf(tags: readonly string[]): PostVersion[] {
  return tags.flatMap((tag) => {
    const match = /^(0|[1-9]\d{0,14})-(0|[1-9]\d{0,14})$/.exec(tag)
    return match ? [{ version: Number(match[1]), authorVersion: Number(match[2]) }] : []
  })
}
