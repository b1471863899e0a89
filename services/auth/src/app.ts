import type {} from '@fastify/redis'
import {
  cache,
  createApp,
  originsOf,
  rateLimit,
  redis,
  secrets,
  trustProxyOf,
  type App,
  type LoggerOptions,
} from '@portcullis/service-kit'
import * as schemas from '@portcullis/schemas'
import { systemClock, type Clock } from '@portcullis/token-verifier'
import type { Config } from './config.ts'
import { adminRoutes } from './features/admin/routes.ts'
import { jwksRoutes } from './features/discovery/jwks.ts'
import { metadataRoutes } from './features/discovery/metadata.ts'
import { exportRoutes } from './features/export/routes.ts'
import { loginRoutes } from './features/login/routes.ts'
import { loginHistoryRoutes } from './features/logins/routes.ts'
import { logoutRoutes } from './features/logout/routes.ts'
import { meRoutes } from './features/me/routes.ts'
import { passwordRoutes } from './features/password/routes.ts'
import { oauthRoutes } from './features/oauth/routes.ts'
import { refreshRoutes } from './features/refresh/routes.ts'
import { sessionRoutes } from './features/sessions/routes.ts'
import { revocationsRoutes } from './features/revocations/routes.ts'
import { signupRoutes } from './features/signup/routes.ts'
import { userChangesRoutes } from './features/user-changes/routes.ts'
import { userListRoutes } from './features/users/routes.ts'
import { verifyRoutes } from './features/verify/routes.ts'
import { DESCRIPTION, TAGS } from './description.ts'
import authentication from './plugins/authentication.ts'
import housekeeping from './plugins/housekeeping.ts'
import keyring from './plugins/keyring.ts'
import loginHistory from './plugins/login-history.ts'
import loginThrottle from './plugins/login-throttle.ts'
import metrics from './plugins/metrics.ts'
import passwords from './plugins/passwords.ts'
import revocation from './plugins/revocation.ts'
import sessions from './plugins/sessions.ts'
import stores from './plugins/stores.ts'

export interface Deps {
  /** Where time comes from; the machine's clocks by default. */
  readonly clock?: Clock
  /** Where the log goes; silent without. */
  readonly logger?: Omit<LoggerOptions, 'name'>
}

/** The service auth: everything is registered here, nothing is decided. */
export function build(config: Config, { clock = systemClock, logger }: Deps = {}): App {
  const app = createApp({
    name: 'auth',
    title: 'Portcullis auth',
    version: '0.1.0',
    description: DESCRIPTION,
    tags: TAGS,
    issuer: config.ISSUER,
    trustProxy: trustProxyOf(config.TRUST_PROXY),
    corsOrigins: originsOf(config.CORS_ORIGINS),
    metrics: { host: config.METRICS_HOST, port: config.METRICS_PORT },
    ...(logger && { logger }),
  })
  app.decorate('now', () => clock.now())
  for (const schema of [
    schemas.UserSchema,
    schemas.UserAnswerSchema,
    schemas.UpdateMeBodySchema,
    schemas.UpdatedMeSchema,
    schemas.ListedUserSchema,
    schemas.UserPageSchema,
    schemas.ChangePasswordBodySchema,
    schemas.UserExportSchema,
    schemas.LoginAttemptSchema,
    schemas.LoginPageSchema,
    schemas.SessionSchema,
    schemas.SessionPageSchema,
    schemas.SignupBodySchema,
    schemas.LoginBodySchema,
    schemas.RefreshBodySchema,
    schemas.RevokedSchema,
    schemas.TokenPairSchema,
    schemas.JwkSchema,
    schemas.JwksSchema,
    schemas.ServerMetadataSchema,
    schemas.ClientSchema,
    schemas.ClientPageSchema,
    schemas.ClientWithSecretSchema,
    schemas.CreateClientBodySchema,
    schemas.UpdateClientBodySchema,
    schemas.VerifiedSchema,
    schemas.RoleSchema,
    schemas.RolePageSchema,
    schemas.CreateRoleBodySchema,
    schemas.UserRolesBodySchema,
    schemas.UserStatusBodySchema,
    schemas.OAuthErrorSchema,
    schemas.TokenRequestSchema,
    schemas.TokenAnswerSchema,
    schemas.TokenFormSchema,
    schemas.IntrospectionSchema,
    schemas.FeedSchema,
    schemas.UserChangeSchema,
    schemas.UserChangesSchema,
  ])
    app.addSchema(schema)

  app.register(redis, { url: config.CACHE_REDIS_URL, name: 'portcullis-auth cache' })
  app.register(cache, { url: config.CACHE_REDIS_URL, name: 'auth' })
  app.register(stores, { config })
  app.register(keyring, { config, clock })
  app.register(secrets, { secret: config.KEY_ENCRYPTION_KEY })
  app.register(loginHistory)
  app.register(housekeeping, { config })
  app.register(loginThrottle, { config })
  app.register(passwords, { config })
  app.register(sessions, { config })
  app.register(revocation, { config, clock })
  app.register(authentication, { config, clock })
  app.register(metrics)

  app.register(rateLimit, ({ redis, rateLimitKeyOf }) => ({
    max: config.RATE_LIMIT_MAX,
    redis,
    keyOf: rateLimitKeyOf,
  }))

  app.register(oauthRoutes, { prefix: '/oauth' })
  app.register(
    async (api) => {
      await api.register(signupRoutes)
      await api.register(loginRoutes)
      await api.register(refreshRoutes)
      await api.register(logoutRoutes)
      await api.register(meRoutes)
      await api.register(passwordRoutes)
      await api.register(sessionRoutes)
      await api.register(loginHistoryRoutes)
      await api.register(exportRoutes)
      await api.register(userListRoutes)
      await api.register(userChangesRoutes)
      await api.register(revocationsRoutes)
      await api.register(adminRoutes)
      await api.register(verifyRoutes)
    },
    { prefix: '/api/v1' },
  )
  app.register(jwksRoutes)
  app.register(metadataRoutes, { issuer: config.ISSUER })
  return app
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Milliseconds since 1970. */
    now: () => number
  }
}
