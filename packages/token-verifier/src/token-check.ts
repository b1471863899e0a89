import {
  ACCESS_TYP,
  ClientClaimsSchema,
  MAX_ACCESS_TTL_SECONDS,
  MAX_TOKEN_BYTES,
  UserClaimsSchema,
  type AccessClaims,
} from '@portcullis/schemas'
import type { VerifierOptions as JwtOptions } from 'fast-jwt'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/schema'
import { systemClock, type Clock } from './clock.ts'
import { invalidToken } from './errors.ts'
import { ALGORITHMS, type Algorithm } from './keys/jwk-set.ts'
import { oneOf, seconds, text, texts } from './options.ts'
import { hasRepeatedNames } from './repeated-names.ts'

export interface TokenRules {
  issuer: string
  /** A token is taken if its `aud` has one of them. */
  audience: string | readonly string[]
  /** Default ES256. */
  algorithm?: Algorithm | undefined
  /** Tokens that live longer are refused. At most 3600, because revocations are kept for as long. */
  maxLifeSeconds?: number | undefined
  clock?: Clock | undefined
}

// `typebox/schema` compiles as `typebox/compile` does, and loads half as many modules, which every program that verifies
// tokens would wait for when it starts.
const header = Compile(
  Type.Object({ alg: Type.String(), typ: Type.String(), kid: Type.String({ minLength: 1, maxLength: 256 }) }),
)
const userClaims = Compile(UserClaimsSchema)
const clientClaims = Compile(ClientClaimsSchema)
const Decoded = Type.Object({ header: Type.Unknown(), payload: Type.Unknown(), input: Type.String() })
const decoded = Compile(Decoded)
const notBefore = Compile(Type.Object({ nbf: Type.Optional(Type.Number()) }))

// RFC 8725 section 3.10: a key or its address that comes with the token is the sender's, not the issuer's.
// No extension is understood here, so `crit` (RFC 7515 section 4.1.11) always names one that is not.
const REFUSED_HEADERS = ['crit', 'jwk', 'jku', 'x5c', 'x5u']
/** More than an issuer has keys at a time. */
const HEADERS_KEPT = 50
const USER_CLAIMS = ['sid', 'gen', 'roles', 'username']

/** A token whose signature, issuer, audience and claims are good, at the times that it names. */
export interface CheckedToken {
  readonly claims: AccessClaims
  readonly kid: string
  /** Milliseconds since 1970. */
  readonly notBefore: number
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/**
 * The decisions about a token that need neither key nor log: what is looked at before the signature, and what
 * after it. Everything throws TokenError with 401.
 */
export class TokenCheck {
  readonly #algorithm: Algorithm
  readonly #maxLifeSeconds: number
  readonly #clock: Clock
  /** By the encoded headers of tokens that were good, which are few: each key has one. */
  readonly #kids = new Map<string, string>()
  /**
   * For fast-jwt: checks signature, `typ`, `iss` and `aud`. Times are left out, since they are looked at on each use by
   * the injected clock.
   */
  readonly jwtOptions: Readonly<Partial<JwtOptions>>

  /** @throws TypeError if a rule is missing or malformed: fast-jwt skips the check of an undefined issuer or audience. */
  constructor(rules: TokenRules) {
    const audience = [...texts('audience', rules.audience)]
    this.#algorithm = oneOf('algorithm', rules.algorithm ?? 'ES256', ALGORITHMS)
    this.#maxLifeSeconds = seconds(
      'maxLifeSeconds',
      rules.maxLifeSeconds ?? MAX_ACCESS_TTL_SECONDS,
      MAX_ACCESS_TTL_SECONDS,
    )
    this.#clock = rules.clock ?? systemClock
    this.jwtOptions = {
      algorithms: [this.#algorithm],
      allowedIss: text('issuer', rules.issuer),
      allowedAud: audience,
      requiredClaims: ['iss', 'aud'],
      checkTyp: ACCESS_TYP,
      complete: true,
      ignoreExpiration: true,
      ignoreNotBefore: true,
    }
  }

  /** @throws TokenError for a token that is too long to be looked at */
  assertSize(token: string): void {
    if (Buffer.byteLength(token) > MAX_TOKEN_BYTES) throw invalidToken('too long')
  }

  /** The key's id, out of a header that may be trusted with nothing else. */
  readKid(candidate: unknown): string {
    if (!header.Check(candidate)) throw invalidToken('header')
    if (candidate.alg !== this.#algorithm) throw invalidToken('algorithm')
    if (REFUSED_HEADERS.some((name) => name in candidate)) throw invalidToken('header parameter')
    return candidate.kid
  }

  /** The `kid` of an encoded token; the header is decoded only if it was not seen before. */
  kidOfToken(token: string): string {
    const part = token.slice(0, Math.max(token.indexOf('.'), 0))
    return this.#kids.get(part) ?? this.readKid(readHeader(part))
  }

  /** What a verified token says, if it has the claims of its sort and its time has come and not passed. */
  accept(token: unknown): CheckedToken {
    if (!decoded.Check(token)) throw invalidToken('malformed')
    const checked = this.#read(token)
    this.assertTimes(checked)
    return checked
  }

  /** To be called on every use. @throws TokenError for a token whose time has passed, or has not come yet */
  assertTimes({ expiresAt, notBefore }: CheckedToken): void {
    const now = this.#clock.now()
    if (expiresAt <= now) throw invalidToken('expired')
    if (notBefore > now) throw invalidToken('not yet valid')
  }

  #read(token: Static<typeof Decoded>): CheckedToken {
    const claims = readClaims(token.payload)
    const [headerPart = '', payloadPart = ''] = token.input.split('.', 2)
    const kid = this.#kids.get(headerPart) ?? this.#rememberKid(headerPart, token.header)
    if (repeatsNames(payloadPart, token.payload)) throw invalidToken('repeated names')
    if (claims.exp - claims.iat > this.#maxLifeSeconds) throw invalidToken('lives too long')
    if (!notBefore.Check(claims)) throw invalidToken('nbf')
    // The same object serves every later request with this token.
    Object.freeze(claims)
    if ('roles' in claims) Object.freeze(claims.roles)
    Object.freeze(claims.aud)
    return { claims, kid, notBefore: (claims.nbf ?? 0) * 1000, expiresAt: claims.exp * 1000 }
  }

  #rememberKid(part: string, parsed: unknown): string {
    const kid = this.readKid(parsed)
    if (repeatsNames(part, parsed)) throw invalidToken('repeated names')
    // The issuer can write one header in many ways, and need not do so.
    if (this.#kids.size >= HEADERS_KEPT) this.#kids.clear()
    this.#kids.set(part, kid)
    return kid
  }
}

/** The header's JSON; whether the rest of the token is well-formed, fast-jwt finds out. */
function readHeader(part: string): unknown {
  try {
    const header: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return header
  } catch {
    throw invalidToken('malformed')
  }
}

/**
 * Whether names are repeated in the JSON that this part of a token encodes.
 *
 * @param parsed what `JSON.parse` has made of it: where that gives the same text again, no name was lost
 */
function repeatsNames(part: string, parsed: unknown): boolean {
  const json = Buffer.from(part, 'base64url').toString()
  return json !== JSON.stringify(parsed) && hasRepeatedNames(json)
}

function readClaims(payload: unknown): AccessClaims {
  if (typeof payload !== 'object' || payload === null) throw invalidToken('payload')
  if (USER_CLAIMS.some((name) => name in payload)) {
    if (!userClaims.Check(payload)) throw invalidToken('user claims')
    return payload
  }
  if (!clientClaims.Check(payload)) throw invalidToken('client claims')
  if (payload.sub !== payload.client_id) throw invalidToken('client is not the subject')
  return payload
}
