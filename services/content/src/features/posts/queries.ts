import { sql, type Kysely, type Selectable } from 'kysely'
import type { CreatePostBody, Post, UpdatePostBody } from '@portcullis/schemas'
import { statement, statements, type Given, type Param } from '@portcullis/service-kit'
import type { DB, Posts } from '../../database/tables.ts'
import { AuthoredInserts, lockedAuthors, type Batch, type LockWait } from '../../authors/authored-inserts.ts'

const OWN_COLUMNS = [
  'posts.id',
  'posts.title',
  'posts.description',
  'posts.version',
  'posts.created_at',
  'posts.updated_at',
  'posts.author_id',
] as const

const COLUMNS = [...OWN_COLUMNS, 'authors.username', 'authors.version as author_version'] as const

export type PostRow = Selectable<Posts> & { readonly username: string; readonly author_version: number }

/** A version of a post: its own, and that of its author, whose name is shown. */
export interface PostVersion {
  readonly version: number
  readonly authorVersion: number
}

/** Who changes a post, and which versions of it: any, if undefined, but for `except`. */
export interface PostChange {
  readonly id: string
  /** Only if this is the author; undefined for those who may change everybody's. */
  readonly authorId: string | undefined
  readonly versions: readonly PostVersion[] | undefined
  readonly except: readonly PostVersion[]
}

export interface PostFilter {
  readonly author?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}

export function toPost(row: PostRow): Post {
  return {
    id: row.id,
    title: row.title,
    description: row.description,
    author: { id: row.author_id, username: row.username },
    created_at: row.created_at,
    updated_at: row.updated_at,
  }
}

export const findPostById = statement((db: Kysely<DB>, param: Param<{ id: string }>) =>
  db
    .selectFrom('posts')
    .innerJoin('authors', 'authors.id', 'posts.author_id')
    .select(COLUMNS)
    .where('posts.id', '=', param('id'))
    .where('authors.deleted', '=', false),
)

/** Newest first, those with ids below `before`. */
export const listPosts = statements((db: Kysely<DB>, { has, param }: Given<PostFilter>) => {
  let query = db
    .selectFrom('posts')
    .innerJoin('authors', 'authors.id', 'posts.author_id')
    .select(COLUMNS)
    .where('authors.deleted', '=', false)
    .orderBy('posts.id', 'desc')
    .limit(param('limit'))
  if (has('author')) query = query.where('posts.author_id', '=', param('author'))
  if (has('before')) query = query.where('posts.id', '<', param('before'))
  return query
})

const postInsert = (wait: LockWait) =>
  statement((db: Kysely<DB>, param: Param<Batch>) =>
    db
      .with('given', (cte) =>
        cte
          .selectFrom(
            sql<
              CreatePostBody & { n: number; author_id: string }
            >`jsonb_to_recordset(${param('rows')}::jsonb)`.as<'row'>(
              sql`row (n int, author_id uuid, title text, description text)`,
            ),
          )
          .innerJoin(lockedAuthors(cte, param, wait).as('author'), 'author.id', 'row.author_id')
          .selectAll('row')
          .select(['author.username', 'author.version as author_version']),
      )
      .mergeInto('posts')
      .using('given', (join) => join.on(sql<boolean>`false`))
      .whenNotMatched()
      .thenInsertValues((source) => ({
        author_id: source.ref('given.author_id'),
        title: source.ref('given.title'),
        description: source.ref('given.description'),
      }))
      .returning([...OWN_COLUMNS, 'given.username', 'given.author_version', 'given.n']),
  )

/** New posts, those of one moment together. */
export function postInserts(db: Kysely<DB>): AuthoredInserts<CreatePostBody, PostRow> {
  return new AuthoredInserts(db, postInsert)
}

export async function updatePost(
  db: Kysely<DB>,
  change: PostChange,
  body: UpdatePostBody,
): Promise<PostRow | undefined> {
  const { id, authorId } = change
  let query = db
    .updateTable('posts')
    .from('authors')
    .set({ ...body, version: sql`posts.version + 1`, updated_at: sql`now()` })
    .whereRef('authors.id', '=', 'posts.author_id')
    .where('posts.id', '=', id)
    .where('authors.deleted', '=', false)
    .where(isMeant(change))
    .returning(COLUMNS)
  if (authorId !== undefined) query = query.where('posts.author_id', '=', authorId)
  return query.executeTakeFirst()
}

export async function deletePost(db: Kysely<DB>, change: PostChange): Promise<PostRow | undefined> {
  const { id, authorId } = change
  let query = db
    .deleteFrom('posts')
    .using('authors')
    .whereRef('authors.id', '=', 'posts.author_id')
    .where('posts.id', '=', id)
    .where('authors.deleted', '=', false)
    .where(isMeant(change))
    .returning(COLUMNS)
  if (authorId !== undefined) query = query.where('posts.author_id', '=', authorId)
  return query.executeTakeFirst()
}

/** The versions that the change is meant for. */
function isMeant({ versions, except }: PostChange) {
  const only = versions === undefined ? sql<boolean>`true` : isVersion(versions)
  return except.length === 0 ? only : sql<boolean>`${only} and not ${isVersion(except)}`
}

function isVersion(versions: readonly PostVersion[]) {
  if (versions.length === 0) return sql<boolean>`false`
  const pairs = versions.map(
    ({ version, authorVersion }) => sql`(${version}::bigint, ${authorVersion}::bigint)`,
  )
  return sql<boolean>`(posts.version, authors.version) in (${sql.join(pairs)})`
}
