import type { Position } from '@portcullis/schemas'

/** An epoch is the second in which it began, or follows the one before it; clocks differ by far less. */
const EPOCHS_AHEAD = 86_400
/** More than any database can lose, and far less than there are numbers for. */
const SEQS_AHEAD = 2 ** 40

/**
 * The farthest that anybody can be who knows more of the log than the database. What names a place beyond is not ours,
 * and is never followed: no number may be left for the log after it.
 */
export function limitOf(head: Position): Position {
  const now = Math.floor(Date.now() / 1000)
  return { epoch: Math.max(head.epoch, now) + EPOCHS_AHEAD, seq: head.seq + SEQS_AHEAD }
}

/** Whether somebody can be at this place. */
export function isWithin({ epoch, seq }: Position, limit: Position): boolean {
  return epoch <= limit.epoch && seq <= limit.seq
}
