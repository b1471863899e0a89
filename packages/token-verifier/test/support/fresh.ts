import { createVerifier, instant, Replica, type CreateVerifierOptions } from '@portcullis/token-verifier'
import type { TestIssuer } from '@portcullis/test-kit'

/** A verifier whose replica is fed by the test itself, and holds an empty log. */
export function freshVerifier(issuer: TestIssuer, more: Partial<CreateVerifierOptions> = {}) {
  const clock = issuer.clock
  const replica = new Replica({ clock })
  replica.advance({ epoch: 1, seq: 0, base: 0 }, instant(clock))
  const keys = { find: (kid: string) => (kid === issuer.key.kid ? issuer.key.publicPem : undefined) }
  const { issuer: name, audience, algorithm } = issuer.verifierOptions
  const verifier = createVerifier({ issuer: name, audience, algorithm, keys, replica, clock, ...more })
  verifier.start()
  return { verifier, replica }
}
