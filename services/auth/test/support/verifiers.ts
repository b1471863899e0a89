import { Redis } from 'ioredis'
import { createVerifier, type CreateVerifierOptions, type Verifier } from '@portcullis/token-verifier'
import type { Teardown } from '@portcullis/test-kit'
import type { TestAuth } from './auth.ts'
import { until } from './until.ts'

export interface VerifierOptions extends Partial<CreateVerifierOptions> {
  /** Whether it follows the log in Redis. Default true. */
  readonly hasRedis?: boolean
}

/** A verifier as a resource server has one, ready to serve. Its client has to be registered. */
export async function startVerifier(
  t: Teardown,
  auth: TestAuth,
  { hasRedis = true, ...options }: VerifierOptions = {},
): Promise<Verifier> {
  const verifier = createVerifier({
    issuer: auth.env['ISSUER'] ?? '',
    audience: 'portcullis',
    keys: auth.app.keyring,
    clientId: 'content',
    ...(hasRedis && { redisUrl: auth.redis.url(1) }),
    ...options,
  })
  verifier.start()
  t.teardown(() => verifier.close())
  await until(() => verifier.ready, 'the verifier is ready')
  return verifier
}

/** How many of the verifiers take the token for good. */
export async function countAccepting(verifiers: readonly Verifier[], token: string): Promise<number> {
  const verdicts = await Promise.all(
    verifiers.map((verifier) =>
      verifier.verify(token).then(
        () => 1,
        () => 0,
      ),
    ),
  )
  return verdicts.reduce<number>((sum, verdict) => sum + verdict, 0)
}

/** A client of the Redis that carries the revocation log, for looking and for doing harm. */
export function openRedis(t: Teardown, { redis }: Pick<TestAuth, 'redis'>): Redis {
  const client = new Redis(redis.url(1), { protocol: 2, maxRetriesPerRequest: null })
  client.on('error', () => undefined)
  t.teardown(() => client.disconnect())
  return client
}
