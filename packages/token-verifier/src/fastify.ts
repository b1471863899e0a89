import { callbackify } from 'node:util'
import fastifyJwt from '@fastify/jwt'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { AccessClaims, ClientClaims, UserClaims } from '@portcullis/schemas'
import { requireRoles, requireScopes, requireUser } from './access.ts'
import { readBearer, readPositionHeader, withChallenge } from './bearer.ts'
import { complaining } from './complaints.ts'
import { createVerifier, verifierOf, type CreateVerifierOptions } from './create-verifier.ts'
import { objectOf, quotable } from './options.ts'
import type { Verifier, VerifyOptions } from './verifier.ts'

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

declare module 'fastify' {
  interface FastifyInstance {
    verifier: Verifier
    /** Hook: lets any good token of a user in, as `request.user`. A client's token is answered with 403. */
    authenticate: Hook
    /** Hook: lets any good token of a registered client in, as `request.client`. */
    authenticateClient: Hook
    /** Makes a hook that authenticates and lets users in that have one of the roles. */
    requireRole: (...roles: [string, ...string[]]) => Hook
    /** Makes a hook that authenticates and lets registered clients in that have all of the scopes. */
    requireScope: (...scopes: [string, ...string[]]) => Hook
  }
  interface FastifyRequest {
    /** Set on routes behind `authenticateClient` or `requireScope`. */
    client: ClientClaims
  }
  interface FastifyContextConfig {
    /**
     * `bounded`: this route answers up to `boundedStalenessSeconds` after the log has fallen silent. `ended`: it
     * takes also tokens that have been revoked, in order to end what has perhaps ended already. Default strict.
     */
    revocation?: 'strict' | 'bounded' | 'ended'
  }
}

declare module '@fastify/jwt' {
  interface FastifyJWT {
    payload: AccessClaims
    user: UserClaims
  }
}

export type TokenVerifierPluginOptions = (CreateVerifierOptions | { verifier: Verifier }) & {
  /** In `WWW-Authenticate`. Default `portcullis`. */
  realm?: string | undefined
}

async function tokenVerifier(app: FastifyInstance, options: TokenVerifierPluginOptions): Promise<void> {
  const verifier = verifierOf(options, (own) => {
    const observer = complaining(
      own.observer === undefined ? {} : objectOf('observer', own.observer),
      app.log,
      () => verifier.ready,
    )
    return createVerifier({ ...own, observer })
  })
  const realm = quotable('realm', options.realm ?? 'portcullis')
  /** Requests that were let in before their body had arrived: their token is checked once more then. */
  const beforeBody = new WeakSet<FastifyRequest>()
  await registerJwt(app, verifier, realm, beforeBody)

  const hook =
    (admit: (request: FastifyRequest, claims: AccessClaims) => void, scopes?: readonly string[]): Hook =>
    async (request, reply) => {
      try {
        const token = readBearer(request.headers.authorization)
        const claims = verifier.check(token, verifyOptions(request))
        admit(request, claims instanceof Promise ? await claims : claims)
        if (hasBodyToCome(request)) beforeBody.add(request)
      } catch (error) {
        const refusal = withChallenge(error, realm, scopes)
        reply.headers(refusal.headers)
        throw refusal
      }
    }
  const asUser = (request: FastifyRequest, claims: AccessClaims) => {
    request.user = requireUser(claims)
  }
  const asClient = (scopes: readonly string[]) => (request: FastifyRequest, claims: AccessClaims) => {
    request.client = requireScopes(claims, scopes)
  }

  app.decorate('verifier', verifier)
  // @ts-expect-error -- null until a hook has authenticated a client, as with request.user
  app.decorateRequest('client', null)
  app.decorate('authenticate', hook(asUser))
  app.decorate('authenticateClient', hook(asClient([])))
  app.decorate('requireRole', (...roles) =>
    hook((request, claims) => {
      asUser(request, claims)
      requireRoles(request.user, roles)
    }),
  )
  app.decorate('requireScope', (...scopes) => hook(asClient(scopes), scopes))

  // A body takes as long as its sender likes, and the token may have died meanwhile.
  const recheck = hook(() => undefined)
  const recheckHook = callbackify(recheck)
  app.addHook('preHandler', (request, reply, done) => {
    if (beforeBody.has(request)) recheckHook(request, reply, done)
    else done()
  })
  app.addHook('onRoute', (route) => {
    if (route.config?.revocation === 'bounded' && !verifier.allowsBounded)
      throw new TypeError(`${route.url} is marked bounded, but boundedStalenessSeconds is not set`)
  })
  app.addHook('onReady', async () => verifier.start())
  app.addHook('onClose', () => verifier.close())
}

/**
 * Makes `request.jwtVerify()`, of which @fastify/jwt's own documentation tells, decide as the verifier does: whatever
 * @fastify/jwt would refuse in its own words, some of it with 500, has been refused before it looks.
 */
async function registerJwt(
  app: FastifyInstance,
  verifier: Verifier,
  realm: string,
  beforeBody: WeakSet<FastifyRequest>,
): Promise<void> {
  const admitted = new WeakMap<object, UserClaims>()
  const users = new WeakMap<FastifyRequest, UserClaims>()
  await app.register(fastifyJwt, {
    secret: async (request: FastifyRequest, decoded: object) => {
      try {
        const claims = await verifier.verify(
          readBearer(request.headers.authorization),
          verifyOptions(request),
        )
        users.set(request, requireUser(claims))
        if (hasBodyToCome(request)) beforeBody.add(request)
        return await verifier.keyFor('header' in decoded ? decoded.header : undefined)
      } catch (error) {
        throw withChallenge(error, realm)
      }
    },
    decode: { complete: true },
    verify: {
      ...verifier.jwtOptions,
      // Good signatures only: `secret` has asked the verifier about this very use of the token.
      cache: 5000,
      errorCacheTTL: -1,
      extractToken: (request) => {
        try {
          const token = readBearer(request.headers.authorization)
          verifier.checkForm(token)
          return token
        } catch (error) {
          throw withChallenge(error, realm)
        }
      },
    },
    trusted: async (request, decoded) => {
      const user = users.get(request)
      if (user) admitted.set(decoded, user)
      return user !== undefined
    },
    formatUser: (decoded) => {
      const claims = admitted.get(decoded)
      if (!claims) throw new Error('not admitted')
      return claims
    },
  })
}

/** Whether the body has not been read yet, and there is one (RFC 9112 section 6). */
function hasBodyToCome({ body, headers }: FastifyRequest): boolean {
  if (body !== undefined) return false
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

function verifyOptions(request: FastifyRequest): VerifyOptions {
  return {
    bounded: request.routeOptions.config.revocation === 'bounded',
    ended: request.routeOptions.config.revocation === 'ended',
    position: readPositionHeader(request.headers['if-revocation-position']),
  }
}

// Keeps @fastify/jwt in the declarations, so that request.user is typed for whoever registers this plugin.
export type { FastifyJWT } from '@fastify/jwt'
export default fp(tokenVerifier, { name: '@portcullis/token-verifier', fastify: '5.x' })
export { tokenVerifier }
