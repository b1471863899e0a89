/** Where a follower of user changes stands: somewhere among all users as they are, or in the log of changes. */
export type ChangesCursor =
  | {
      readonly phase: 'users'
      readonly epoch: number
      /** Where the log stood when the first page was asked for. */
      readonly seq: number
      /** The last user that was told. */
      readonly afterId: string | undefined
    }
  | { readonly phase: 'changes'; readonly epoch: number; readonly seq: number }

const PATTERN =
  /^(users|changes)\.(\d{1,15})\.(\d{1,15})(?:\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?$/

/** The cursor as text that only this service reads. */
export function formatCursor(cursor: ChangesCursor): string {
  const parts: (string | number)[] = [cursor.phase, cursor.epoch, cursor.seq]
  if (cursor.phase === 'users' && cursor.afterId !== undefined) parts.push(cursor.afterId)
  return parts.join('.')
}

/** Undefined for a text that was never given out as a cursor. */
export function parseCursor(text: string): ChangesCursor | undefined {
  const [, phase, epoch, seq, afterId] = PATTERN.exec(text) ?? []
  if (phase === 'users') return { phase, epoch: Number(epoch), seq: Number(seq), afterId }
  if (phase === 'changes' && afterId === undefined) return { phase, epoch: Number(epoch), seq: Number(seq) }
  return undefined
}
