import type { Server } from 'node:http'
import { FakeClock } from './clock.ts'
import { FeedServer } from './feed-server.ts'
import { createIssuerServer } from './issuer-server.ts'
import { TestIssuer, type IssuerOptions } from './issuer.ts'
import { RevocationLog } from './revocation-log.ts'
import type { Teardown } from './teardown.ts'

/**
 * An issuer on a free port that ends with the test. Starts in milliseconds.
 *
 * Its clock stands still, so tokens expire only when the test says that time has passed.
 */
export async function startIssuer(t: Teardown, options: IssuerOptions = {}): Promise<TestIssuer> {
  const clock = options.clock ?? new FakeClock()
  const log = new RevocationLog(() => clock.now())
  const feed = new FeedServer(log)
  const server = createIssuerServer({
    jwks: () => issuer.jwks,
    clientToken: (clientId, secret) => issuer.clientToken(clientId, secret),
    feed: async (query, bearer, signal) =>
      issuer.isCurrent(bearer) ? feed.answer(query, signal) : undefined,
  })
  const url = await listen(server)
  t.teardown(() => close(server))
  const issuer = new TestIssuer({ ...options, url, clock, log, feed })
  return issuer
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address !== null && typeof address === 'object') resolve(`http://127.0.0.1:${address.port}`)
      else reject(new Error('no port was given'))
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
