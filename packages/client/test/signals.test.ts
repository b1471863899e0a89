import { setImmediate as nextTurn } from 'node:timers/promises'
import { createClient, memoryStorage } from '@portcullis/client'
import t from 'tap'

const TOKENS = { access_token: 'old', refresh_token: 'first' }

const refused = () =>
  Response.json({}, { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } })

t.test('a call that is aborted when its token is refused asks for no refresh', async (t) => {
  const sent: string[] = []
  const controller = new AbortController()
  const reason = new Error('the page has been left')
  const client = createClient({
    url: 'http://localhost',
    storage: memoryStorage(TOKENS),
    fetch: async (request) => {
      sent.push(new URL(request.url).pathname)
      if (request.url.endsWith('/refresh')) throw new TypeError('fetch failed')
      controller.abort(reason)
      return refused()
    },
  })
  await t.rejects(client.fetch('http://localhost/own', { signal: controller.signal }), reason)
  // Long enough for a refresh to be asked for. Nobody would hold it, and its failure would end the process.
  for (let turns = 0; turns < 20; turns += 1) await nextTurn()
  t.strictSame(sent, ['/own'])
})
