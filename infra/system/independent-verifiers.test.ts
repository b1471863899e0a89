import express, { type RequestHandler } from 'express'
import { auth as oauth2JwtBearer, requiredScopes } from 'express-oauth2-jwt-bearer'
import { Hono } from 'hono'
import { jwk } from 'hono/jwk'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import t, { type Test } from 'tap'
import {
  AUDIENCE,
  serve,
  throwsNot,
  withExpressJwt,
  withGetJwks,
  withJose,
  type Admits,
} from '../test/support/libraries.ts'
import { startPair, type Pair } from '../test/support/pair.ts'
import { newUser } from '../test/support/user.ts'

/** This issuer speaks plain HTTP here. */
const HTTP = { [oauth.allowInsecureRequests]: true }

/** What every library has to make of the tokens: good ones in, all others out. */
async function check(t: Test, pair: Pair, admits: Admits): Promise<void> {
  const { access_token: access, refresh_token: refresh } = await (await newUser(pair)).login()
  t.equal(await admits(access), true, 'a good token')
  t.equal(await admits(refresh), false, 'a refresh token')
  t.equal(await admits(`${access.slice(0, -6)}AAAAAA`), false, 'a tampered signature')
  const [header, , signature] = access.split('.')
  t.equal(
    await admits(`${header}.${Buffer.from('{"sub":"admin"}').toString('base64url')}.${signature}`),
    false,
  )
}

t.test('tokens and metadata satisfy verifiers that know nothing of Portcullis', async (t) => {
  const pair = await startPair(t)
  const { origin } = pair

  await t.test('jose', (t) => check(t, pair, withJose(origin)))

  await t.test('get-jwks with fast-jwt', (t) => check(t, pair, withGetJwks(origin)))

  await t.test('express-jwt with jwks-rsa', async (t) => check(t, pair, await withExpressJwt(t, origin)))

  await t.test('express-oauth2-jwt-bearer, strict about RFC 9068 and by discovery', async (t) => {
    const middleware = oauth2JwtBearer({
      issuerBaseURL: origin,
      audience: AUDIENCE,
      tokenSigningAlg: 'ES256',
      strict: true,
    })
    await check(t, pair, await serve(t, middleware))
  })

  await t.test('the jwk middleware of hono', async (t) => {
    const app = new Hono()
    const verification = { iss: origin, aud: AUDIENCE, typ: 'at+jwt' }
    app.use('/', jwk({ jwks_uri: `${origin}/.well-known/jwks.json`, alg: ['ES256'], verification }))
    app.get('/', (context) => context.body(null, 204))
    await check(t, pair, async (token) => {
      const response = await app.request('/', { headers: { authorization: `Bearer ${token}` } })
      return response.status === 204
    })
  })

  await t.test(
    'oauth4webapi validates access tokens (RFC 9068) by discovery, under both addresses',
    async (t) => {
      for (const algorithm of ['oauth2', 'oidc'] as const) {
        const server = await discover(origin, algorithm)
        await check(
          t,
          pair,
          throwsNot((token) => {
            const request = new Request(origin, { headers: { authorization: `Bearer ${token}` } })
            return oauth.validateJwtAccessToken(server, request, AUDIENCE, {
              ...HTTP,
              signingAlgorithms: ['ES256'],
            })
          }),
        )
      }
    },
  )

  await t.test(
    'a client that is written with oauth4webapi gets, introspects and revokes tokens',
    async (t) => {
      const server = await discover(origin, 'oauth2')
      const secret = await pair.newClient('machine', 'tokens:introspect users:changes')
      const client = { client_id: 'machine' }
      for (const authenticate of [oauth.ClientSecretBasic(secret), oauth.ClientSecretPost(secret)]) {
        const parameters = { scope: 'users:changes' }
        const answer = await oauth.clientCredentialsGrantRequest(
          server,
          client,
          authenticate,
          parameters,
          HTTP,
        )
        const { access_token: token, scope } = await oauth.processClientCredentialsResponse(
          server,
          client,
          answer,
        )
        t.equal(scope, 'users:changes')
        const introspect = async () =>
          oauth.processIntrospectionResponse(
            server,
            client,
            await oauth.introspectionRequest(server, client, authenticate, token, HTTP),
          )
        t.match(await introspect(), { active: true, client_id: 'machine', scope: 'users:changes' })
        await oauth.processRevocationResponse(
          await oauth.revocationRequest(server, client, authenticate, token, HTTP),
        )
        t.strictSame(await introspect(), { active: false })
      }
    },
  )

  await t.test(
    'the public client that is written with oauth4webapi refreshes and revokes a login',
    async (t) => {
      const server = await discover(origin, 'oauth2')
      const client = { client_id: 'portcullis' }
      const { refresh_token } = await (await newUser(pair)).login()
      const answer = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refresh_token, HTTP)
      const next = await oauth.processRefreshTokenResponse(server, client, answer)
      t.not(next.refresh_token, refresh_token)
      const revoked = await oauth.revocationRequest(
        server,
        client,
        oauth.None(),
        next.refresh_token ?? '',
        HTTP,
      )
      await oauth.processRevocationResponse(revoked)
      const late = await oauth.refreshTokenGrantRequest(
        server,
        client,
        oauth.None(),
        next.refresh_token ?? '',
        HTTP,
      )
      const refused = await oauth
        .processRefreshTokenResponse(server, client, late)
        .catch((error: unknown) => error)
      t.match(refused, { error: 'invalid_grant' })
    },
  )

  await t.test('a client that is written with openid-client does the same', async (t) => {
    const secret = await pair.newClient('service', 'tokens:introspect revocations:read')
    for (const algorithm of ['oidc', 'oauth2'] as const) {
      const config = await openid.discovery(new URL(origin), 'service', secret, undefined, {
        algorithm,
        execute: [openid.allowInsecureRequests],
      })
      const { access_token: token } = await openid.clientCredentialsGrant(config, {
        scope: 'revocations:read',
      })
      t.match(await openid.tokenIntrospection(config, token), { active: true, client_id: 'service' })
      await openid.tokenRevocation(config, token)
      t.equal((await openid.tokenIntrospection(config, token)).active, false)
    }
    const publicClient = await openid.discovery(new URL(origin), 'portcullis', undefined, openid.None(), {
      execute: [openid.allowInsecureRequests],
    })
    const { refresh_token } = await (await newUser(pair)).login()
    const next = await openid.refreshTokenGrant(publicClient, refresh_token)
    t.equal(next.token_type, 'bearer')
    await openid.tokenRevocation(publicClient, next.access_token)
  })

  await t.test('express-oauth2-jwt-bearer reads the scopes of a client', async (t) => {
    const secret = await pair.newClient('scoped', 'users:changes')
    const config = await openid.discovery(new URL(origin), 'scoped', secret, undefined, {
      execute: [openid.allowInsecureRequests],
    })
    const { access_token: token } = await openid.clientCredentialsGrant(config)
    const bearer = oauth2JwtBearer({ issuerBaseURL: origin, audience: AUDIENCE, tokenSigningAlg: 'ES256' })
    const router = (scope: string): RequestHandler => express.Router().use(bearer, requiredScopes(scope))
    t.equal(await (await serve(t, router('users:changes')))(token), true)
    t.equal(await (await serve(t, router('tokens:revoke')))(token), false)
  })
})

async function discover(origin: string, algorithm: 'oauth2' | 'oidc'): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(origin)
  const response = await oauth.discoveryRequest(issuer, { algorithm, ...HTTP })
  return oauth.processDiscoveryResponse(issuer, response)
}
