import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { readEvent, revocationKeys, RevocationEventSchema, type RevocationEvent } from '@portcullis/schemas'
import type { RedisClient } from '@portcullis/service-kit'

/** Small enough that a read stays far below the time that a command may take. */
const PAGE = 1000

const isPage = Compile(Type.Array(Type.Tuple([Type.String(), Type.Array(Type.String())])))
const isEvent = Compile(RevocationEventSchema)

/** Everything that the stream in Redis holds, page by page; what is no event is passed over. */
export async function* readStream(redis: RedisClient): AsyncGenerator<RevocationEvent[]> {
  let from = '-'
  for (;;) {
    const page: unknown = await redis.xrange(revocationKeys.log, from, '+', 'COUNT', PAGE)
    if (!isPage.Check(page)) throw new Error('not an answer to XRANGE')
    yield page.flatMap(([id, fields]) => toEvent(id, fields) ?? [])
    const last = page.at(-1)?.[0]
    if (page.length < PAGE || last === undefined) return
    from = `(${last}`
  }
}

function toEvent(id: string, fields: readonly string[]): RevocationEvent | undefined {
  const event = readEvent(id, fields)
  return isEvent.Check(event) ? event : undefined
}
