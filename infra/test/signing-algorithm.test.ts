import t from 'tap'
import { steps } from '../dev/walk-steps.ts'
import { walk } from '../dev/walk-fetch.ts'
import { startPair } from './support/pair.ts'

t.test('with RS256 both services issue, take and revoke tokens as they do with ES256', async (t) => {
  const settings = { SIGNING_ALGORITHM: 'RS256' }
  const { origin } = await startPair(t, { auth: settings, content: settings })
  const keys: unknown = await (await fetch(`${origin}/.well-known/jwks.json`)).json()
  t.match(keys, { keys: [{ kty: 'RSA', alg: 'RS256' }] })

  const taken = []
  for await (const { step, status } of walk(origin)) taken.push([step.title, status])
  t.strictSame(
    taken,
    steps.map((step) => [step.title, step.status]),
  )
})
