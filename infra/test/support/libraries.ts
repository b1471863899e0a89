import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express, { type RequestHandler } from 'express'
import { expressjwt } from 'express-jwt'
import { createVerifier as createFastJwt, type DecodedJwt } from 'fast-jwt'
import buildGetJwks from 'get-jwks'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import jwksRsa from 'jwks-rsa'
import type { Test } from 'tap'

export const AUDIENCE = 'portcullis'

/** What a consumer has written with a library: whether it lets the token in. */
export type Admits = (token: string) => Promise<boolean>

export const throwsNot = (verify: (token: string) => Promise<unknown>): Admits => {
  return (token) =>
    verify(token).then(
      () => true,
      () => false,
    )
}

/** An application that answers 204 to whom it lets in. */
export async function serve(t: Test, middleware: RequestHandler): Promise<Admits> {
  const app = express()
  app.get('/', middleware, (_request, response) => void response.sendStatus(204))
  const refuse: express.ErrorRequestHandler = (_error, _request, response, _next) =>
    void response.sendStatus(401)
  app.use(refuse)
  const server = app.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return async (token) => {
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      headers: { authorization: `Bearer ${token}` },
    })
    return response.status === 204
  }
}

/** Each remembers the keys as its own documentation has it. */
export const withJose = (issuer: string): Admits => {
  const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))
  const options = { issuer, audience: AUDIENCE, typ: 'at+jwt', algorithms: ['ES256'] }
  return throwsNot((token) => jwtVerify(token, keys, options))
}

export const withGetJwks = (issuer: string): Admits => {
  const getJwks = buildGetJwks({ issuersWhitelist: [`${issuer}/`, issuer] })
  const verify = createFastJwt({
    key: async ({ header, payload }: DecodedJwt) => {
      const { kid, alg } = header
      return getJwks.getPublicKey({ kid, alg, domain: payload.iss })
    },
    algorithms: ['ES256'],
    allowedIss: issuer,
    allowedAud: AUDIENCE,
    checkTyp: 'at+jwt',
  })
  return throwsNot(async (token) => verify(token))
}

export const withExpressJwt = (t: Test, issuer: string): Promise<Admits> => {
  const secret = jwksRsa.expressJwtSecret({ jwksUri: `${issuer}/.well-known/jwks.json` })
  const options = { secret, algorithms: ['ES256' as const], issuer, audience: AUDIENCE }
  return serve(t, expressjwt(options))
}
