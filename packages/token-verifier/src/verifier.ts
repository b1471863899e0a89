import { setTimeout as sleep } from 'node:timers/promises'
import { createDecoder, createVerifier as createJwtVerifier } from 'fast-jwt'
import { LRUCache } from 'lru-cache'
import { comparePositions, type AccessClaims, type FieldError, type Position } from '@portcullis/schemas'
import { invalidToken, RequestError, StaleError } from './errors.ts'
import type { Follower } from './follow/choose-carrier.ts'
import { KeyLookup } from './keys/lookup.ts'
import type { KeySource } from './keys/source.ts'
import type { Replica } from './replica/replica.ts'
import { waitFor } from './replica/wait.ts'
import type { CheckedToken, TokenCheck } from './token-check.ts'

const decode = createDecoder({ complete: true })
// One a signing key in use; more only pile up when keys are rotated for years without a restart.
const JWT_VERIFIERS_KEPT = 16
/** Tokens of half a kilobyte each. */
const TOKENS_KEPT = 10_000
const MALFORMED_POSITION: FieldError = {
  parameter: 'if-revocation-position',
  code: 'format',
  detail: 'must be a position such as 1-42',
}

export interface VerifyOptions {
  /** Accept an older replica than strict routes do, up to `boundedStalenessSeconds`. */
  bounded?: boolean | undefined
  /** Answer only out of a replica that holds the log up to here; waits up to 250 ms for it. See `readPositionHeader`. */
  position?: Position | 'malformed' | undefined
  /**
   * Accept also the tokens of a session, user or client that has been revoked, but none that its key or its
   * epoch has killed. For ending what has perhaps ended already, and nothing else.
   */
  ended?: boolean | undefined
}

export interface VerifierParts {
  check: TokenCheck
  keys: KeySource
  /** Told of each error that `keys` throws, other than a refusal. */
  onKeysFailed?: ((error: unknown) => void) | undefined
  replica: Replica
  follower: Follower | undefined
  maxStalenessSeconds: number
  boundedStalenessSeconds: number
}

interface VerifiedToken extends CheckedToken {
  /** The key as SPKI PEM. */
  readonly pem: string
}

/**
 * Verifies access tokens without asking anybody: signature by the issuer's published keys, revocation by a
 * replica of the revocation log that is kept up to date in the background.
 */
export class Verifier {
  readonly #parts: VerifierParts
  readonly #keys: KeyLookup
  readonly #jwt = new Map<string, (token: string) => unknown>()
  /** Tokens whose signature was good under this key. */
  readonly #memory = new LRUCache<string, VerifiedToken>({ max: TOKENS_KEPT })
  #state: 'new' | 'started' | 'closed' = 'new'

  constructor(parts: VerifierParts) {
    this.#parts = parts
    const { keys, onKeysFailed, replica } = parts
    this.#keys = new KeyLookup(keys, onKeysFailed)
    if (keys.giveUp) replica.onDeadKey((kid) => keys.giveUp?.(kid))
  }

  /** Begins to fetch keys and to follow the log. Never throws: until both are there, `verify` answers 503. */
  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'started'
    this.#parts.keys.start?.()
    this.#parts.follower?.start()
  }

  /** Resolves once `ready` is true. @throws the signal's reason when it is aborted before, Error once it is closed. */
  async whenReady(signal?: AbortSignal): Promise<void> {
    while (!this.ready) {
      signal?.throwIfAborted()
      if (this.#state === 'closed') throw new Error('the verifier is closed')
      await sleep(10)
    }
  }

  /**
   * Stops following the log; the writer is told, so that no answer waits for this verifier any longer. From then on it
   * takes no token: 503 for every one that it would have taken, also on bounded routes.
   */
  async close(): Promise<void> {
    this.#state = 'closed'
    this.#parts.keys.close?.()
    await this.#parts.follower?.stop()
  }

  /** Whether strict routes are served: there are keys, and the replica is young enough. */
  get ready(): boolean {
    return this.#state === 'started' && this.#parts.keys.ready !== false && this.age() <= this.#limitMs(false)
  }

  /** Milliseconds since the newest moment as of which every revocation is known here; infinite before the first. */
  age(): number {
    return this.#parts.replica.age()
  }

  /** Up to here every revocation is known. */
  get position(): Position {
    return this.#parts.replica.position
  }

  /** How many revocations are held. */
  get entries(): number {
    return this.#parts.replica.entries
  }

  /** Whether routes may accept a replica older than strict ones do. */
  get allowsBounded(): boolean {
    return this.#parts.boundedStalenessSeconds > this.#parts.maxStalenessSeconds
  }

  /**
   * What the token says, if it is good.
   *
   * @throws TokenError 401 if it is not; its message is the same whatever is wrong.
   * @throws StaleError 503 if that cannot be told now.
   * @throws RequestError 400 if it is good, and `position` malformed.
   */
  async verify(token: string, options: VerifyOptions = {}): Promise<AccessClaims> {
    return this.check(token, options)
  }

  /**
   * As `verify`, at once if no key has to be fetched and the token's epoch is known. The signature of a token that was
   * seen before is remembered, and everything else looked at again. Throws what is decided at once.
   */
  check(token: string, options: VerifyOptions = {}): AccessClaims | Promise<AccessClaims> {
    const known = this.#memory.get(token)
    if (known === undefined) {
      if (typeof token !== 'string') throw invalidToken('not a string')
      this.#parts.check.assertSize(token)
      return this.#verifyBy(this.#keys.find(this.#parts.check.kidOfToken(token), token), token, options)
    }
    const key = this.#keys.find(known.kid, token)
    if (key !== known.pem) {
      this.#memory.delete(token)
      return this.#verifyBy(key, token, options)
    }
    this.#parts.check.assertTimes(known)
    return this.#decide(known, options)
  }

  #verifyBy(
    key: string | Promise<string>,
    token: string,
    options: VerifyOptions,
  ): AccessClaims | Promise<AccessClaims> {
    if (key instanceof Promise) return key.then((pem) => this.#verifyBy(pem, token, options))
    const checked = this.#parts.check.accept(this.#verifySignature(token, key))
    this.#memory.set(token, { ...checked, pem: key })
    return this.#decide(checked, options)
  }

  /** For adapters that drive fast-jwt themselves: the options that all of them share. */
  get jwtOptions(): TokenCheck['jwtOptions'] {
    return this.#parts.check.jwtOptions
  }

  /** For adapters: refuses what is too long to be parsed, or cannot be. */
  checkForm(token: string): void {
    this.#parts.check.assertSize(token)
    try {
      decode(token)
    } catch {
      throw invalidToken('malformed')
    }
  }

  /** For adapters: the public key that the header names, as SPKI PEM. Asked on every use of a token. */
  keyFor(header: unknown, token?: string): string | Promise<string> {
    return this.#keys.find(this.#parts.check.readKid(header), token)
  }

  #decide(checked: CheckedToken, options: VerifyOptions): AccessClaims | Promise<AccessClaims> {
    const { replica } = this.#parts
    const { position } = options
    if (position === 'malformed') {
      this.#judge(checked, options)
      throw new RequestError([MALFORMED_POSITION])
    }
    if (checked.claims.ep > replica.position.epoch) return this.#decideInEpoch(checked, options, position)
    if (!position || replica.reached(position)) return this.#judge(checked, options)
    return waitFor(replica, position).then(() => this.#judge(checked, options))
  }

  /**
   * The token is of a newer epoch than the replica has reached. The database may have lost this verifier's row on the way
   * into it, so a revocation there may not wait for this verifier: accept nothing of that epoch before reaching it.
   */
  #decideInEpoch(
    checked: CheckedToken,
    options: VerifyOptions,
    position: Position | undefined,
  ): Promise<AccessClaims> {
    // What is revoked already, or cannot be decided anyway, is answered without waiting.
    this.#judge(checked, options)
    const { replica } = this.#parts
    const start = { epoch: checked.claims.ep, seq: 0 }
    const needed = position && comparePositions(position, start) > 0 ? position : start
    return waitFor(replica, needed).then(() => this.#judge(checked, options))
  }

  #judge({ claims, kid }: CheckedToken, options: VerifyOptions): AccessClaims {
    // What is known to be dead is dead, however old the knowledge.
    const { replica } = this.#parts
    if (options.ended ? replica.isDisowned(claims, kid) : replica.isRevoked(claims, kid))
      throw invalidToken('revoked')
    if (this.#state === 'closed') throw new StaleError('AUTH_REVOCATIONS_STALE', 'the verifier is closed')
    if (this.age() > this.#limitMs(options.bounded ?? false))
      throw new StaleError('AUTH_REVOCATIONS_STALE', 'the replica is too old')
    return claims
  }

  #verifySignature(token: string, pem: string): unknown {
    const verify = this.#jwt.get(pem) ?? this.#jwtVerifierOf(pem)
    try {
      return verify(token)
    } catch (error) {
      throw invalidToken(error instanceof Error ? error.message : 'signature')
    }
  }

  #jwtVerifierOf(pem: string): (token: string) => unknown {
    try {
      const verify: (token: string) => unknown = createJwtVerifier({ ...this.jwtOptions, key: pem })
      const [oldest] = this.#jwt.keys()
      if (oldest !== undefined && this.#jwt.size >= JWT_VERIFIERS_KEPT) this.#jwt.delete(oldest)
      this.#jwt.set(pem, verify)
      return verify
    } catch (error) {
      throw this.#keys.failure(error)
    }
  }

  #limitMs(bounded: boolean): number {
    const { maxStalenessSeconds, boundedStalenessSeconds } = this.#parts
    return 1000 * (bounded ? Math.max(maxStalenessSeconds, boundedStalenessSeconds) : maxStalenessSeconds)
  }
}
