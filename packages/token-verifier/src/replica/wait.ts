import type { Position } from '@portcullis/schemas'
import { StaleError } from '../errors.ts'
import type { Replica } from './replica.ts'

const WAIT_MS = 250

/** Resolves when everything up to the position is held. @throws StaleError after 250 ms */
export function waitFor(replica: Replica, position: Position): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (settle: () => void) => {
      clearTimeout(timer)
      forget()
      settle()
    }
    const forget = replica.onChange(() => {
      if (replica.reached(position)) done(resolve)
    })
    const timer = setTimeout(
      () => done(() => reject(new StaleError('AUTH_REVOCATIONS_STALE', 'the position was not reached'))),
      WAIT_MS,
    )
  })
}
