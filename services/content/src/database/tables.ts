import type { ColumnType } from 'kysely'

export type Generated<T> =
  T extends ColumnType<infer S, infer I, infer U>
    ? ColumnType<S, I | undefined, U>
    : ColumnType<T, T | undefined, T>

export type Timestamp = ColumnType<Date, Date | string, Date | string>

export interface Authors {
  deleted: Generated<boolean>
  id: string
  seq: Generated<number>
  username: string
}

export interface Posts {
  author_id: string
  created_at: Generated<Timestamp>
  description: string
  id: Generated<string>
  title: string
  updated_at: Generated<Timestamp>
  version: Generated<number>
}

export interface Tasks {
  created_at: Generated<Timestamp>
  description: string
  due_at: Timestamp | null
  id: Generated<string>
  owner_id: string
  status: 'done' | 'in_progress' | 'todo'
  title: string
  updated_at: Generated<Timestamp>
  version: Generated<number>
}

export interface UserChangesCursor {
  cursor: Generated<string>
  id: Generated<boolean>
}

export interface DB {
  authors: Authors
  posts: Posts
  tasks: Tasks
  user_changes_cursor: UserChangesCursor
}
