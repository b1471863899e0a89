import { createHmac, timingSafeEqual } from 'node:crypto'
import { problem } from '../problems/problem.ts'
import { deriveKey } from '../secrets/derive-key.ts'

const MAC_BYTES = 12

/** Makes and reads the opaque cursors of lists. They are authenticated, so that only ones given out are taken. */
export class Cursors {
  readonly #key: Buffer

  /** @param secret shared by all instances of the service. */
  constructor(secret: string) {
    this.#key = deriveKey(secret, 'cursors')
  }

  /** @param list the list that the cursor is of, with its filters: a cursor of another list is refused. */
  encode(list: string, position: string): string {
    return Buffer.concat([this.#mac(list, position), Buffer.from(position)]).toString('base64url')
  }

  /** @throws {ProblemError} REQUEST_INVALID for a cursor that was not given out for this list. */
  decode(list: string, cursor: string): string {
    const bytes = Buffer.from(cursor, 'base64url')
    const mac = bytes.subarray(0, MAC_BYTES)
    const position = bytes.subarray(MAC_BYTES).toString()
    const isGenuine =
      mac.length === MAC_BYTES &&
      bytes.toString('base64url') === cursor &&
      timingSafeEqual(mac, this.#mac(list, position))
    if (isGenuine) return position
    throw problem('REQUEST_INVALID', {
      errors: [{ parameter: 'cursor', code: 'unknown', detail: 'is not a next_cursor of this list' }],
    })
  }

  #mac(list: string, position: string): Buffer {
    return createHmac('sha256', this.#key).update(`${list}\n${position}`).digest().subarray(0, MAC_BYTES)
  }
}
