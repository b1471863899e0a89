import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import type { TestIssuer } from '@portcullis/test-kit'

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url')

interface Parts {
  header: Record<string, unknown>
  claims: Record<string, unknown>
}

function parts(token: string): Parts {
  const [header, claims] = token
    .split('.')
    .slice(0, 2)
    .map((part) => {
      const parsed: Record<string, unknown> = JSON.parse(Buffer.from(part, 'base64url').toString())
      return parsed
    })
  return { header: header ?? {}, claims: claims ?? {} }
}

function hmac(header: object, claims: object, secret: string | Buffer): string {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** Tokens that no verifier may take, by what is wrong with them. `good` is one that it takes. */
export function forgeries(issuer: TestIssuer, good = issuer.mint()): Record<string, string> {
  const { header, claims } = parts(good)
  const [h = '', p = '', s = ''] = good.split('.')
  return {
    ...unsigned(header, claims, s),
    ...confusions(issuer, header, claims),
    ...embedded(issuer, claims),
    ...malformed(good, h, p, s),
    ...wrongHeaders(issuer, claims),
    ...repeatedNames(issuer, header, claims),
    ...wrongClaims(issuer),
  }
}

function unsigned(header: object, claims: object, signature: string): Record<string, string> {
  const named = ['none', 'None', 'NONE', 'nOnE', ''].flatMap((alg) => {
    const input = `${encode({ ...header, alg })}.${encode(claims)}`
    return [
      [`alg ${alg || 'empty'}, no signature`, `${input}.`],
      [`alg ${alg || 'empty'}, signature kept`, `${input}.${signature}`],
      [`alg ${alg || 'empty'}, two parts`, input],
    ]
  })
  return Object.fromEntries(named)
}

/** The public key as a secret, in every way it can be written (RFC 8725 section 2.1). */
function confusions(issuer: TestIssuer, header: object, claims: object): Record<string, string> {
  const pem = issuer.key.publicPem
  const key = createPublicKey(pem)
  const secrets: Record<string, string | Buffer> = {
    pem,
    'pem, trimmed': pem.trim(),
    'pem, CRLF': pem.replaceAll('\n', '\r\n'),
    der: key.export({ type: 'spki', format: 'der' }),
    jwk: JSON.stringify(issuer.key.jwk),
    jwks: JSON.stringify(issuer.jwks),
    blank: '',
    kid: issuer.key.kid,
  }
  return Object.fromEntries(
    Object.entries(secrets).map(([name, secret]) => [
      `HS256 with ${name} as its secret`,
      hmac({ ...header, alg: 'HS256' }, claims, secret),
    ]),
  )
}

function embedded(issuer: TestIssuer, claims: object): Record<string, string> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = publicKey.export({ format: 'jwk' })
  const own = (more: object) => {
    const input = `${encode({ alg: 'ES256', typ: 'at+jwt', ...more })}.${encode(claims)}`
    const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    return `${input}.${signature.toString('base64url')}`
  }
  const { kid } = issuer.key
  return {
    'own key under our kid': own({ kid }),
    'own key embedded': own({ kid, jwk }),
    'own key embedded, without kid': own({ jwk }),
    'own key at an address': own({ kid, jku: 'https://evil.example/jwks.json' }),
    'own certificate': own({ kid, x5c: ['MIIB'] }),
    'own certificate at an address': own({ kid, x5u: 'https://evil.example/cert.pem' }),
    'unknown kid': own({ kid: 'unknown' }),
    'kid that is a path': own({ kid: '../../../../dev/null' }),
    'kid that is SQL': own({ kid: "' UNION SELECT 'secret" }),
    'kid that is a name of Object': own({ kid: '__proto__' }),
    'kid that is no string': own({ kid: [kid] }),
    'our key, with an embedded one beside it': issuer.sign(claims, { jwk }),
    'our key, with an address beside it': issuer.sign(claims, { jku: 'https://evil.example' }),
    'our key, with a certificate beside it': issuer.sign(claims, { x5c: ['MIIB'] }),
    'our key, with the address of a certificate beside it': issuer.sign(claims, {
      x5u: 'https://evil.example/cert.pem',
    }),
  }
}

function malformed(good: string, h: string, p: string, s: string): Record<string, string> {
  const flipped = Buffer.from(s, 'base64url')
  flipped[10] = (flipped[10] ?? 0) ^ 1
  return {
    empty: '',
    dots: '..',
    'one part': h,
    'four parts': `${good}.${s}`,
    'no signature': `${h}.${p}.`,
    'null signature': `${h}.${p}.${Buffer.alloc(64).toString('base64url')}`,
    'short signature': `${h}.${p}.${s.slice(0, 20)}`,
    'long signature': `${h}.${p}.${s}${s}`,
    'signature with one bit flipped': `${h}.${p}.${flipped.toString('base64url')}`,
    'signature padded': `${good}==`,
    truncated: good.slice(0, -30),
    'header that is no JSON': `${Buffer.from('{"alg"').toString('base64url')}.${p}.${s}`,
    'header that is an array': `${encode([])}.${p}.${s}`,
    'header that is null': `${encode(null)}.${p}.${s}`,
    'payload of another token': `${h}.${encode({ sub: 'admin' })}.${s}`,
    'bytes that are no text': Buffer.from([0xff, 0xfe, 0x2e, 0x00, 0x2e, 0xff]).toString('latin1'),
    'lone surrogates': '\ud800.\udc00.\ud800',
    'space inside': `${h} .${p}.${s}`,
    'newline inside': `${h}.\n${p}.${s}`,
    'too long': `${good}${'A'.repeat(8192)}`,
    'deeply nested': `${Buffer.from('['.repeat(5000)).toString('base64url')}.${p}.${s}`,
  }
}

function wrongHeaders(issuer: TestIssuer, claims: object): Record<string, string> {
  return {
    'typ JWT': issuer.sign(claims, { typ: 'JWT' }),
    'typ of a refresh token': issuer.sign(claims, { typ: 'rt+jwt' }),
    'typ missing': issuer.sign(claims, { typ: undefined }),
    'typ that is no string': issuer.sign(claims, { typ: ['at+jwt'] }),
    'crit that is unknown': issuer.sign(claims, { crit: ['exp'], exp: 1 }),
    'crit that is empty': issuer.sign(claims, { crit: [] }),
    'crit that is null': issuer.sign(claims, { crit: null }),
    'b64 false': issuer.sign(claims, { crit: ['b64'], b64: false }),
    'alg of another curve': issuer.sign(claims, { alg: 'ES384' }),
    'alg RS256': issuer.sign(claims, { alg: 'RS256' }),
    'alg in lower case': issuer.sign(claims, { alg: 'es256' }),
    'alg missing': issuer.sign(claims, { alg: undefined }),
    'kid missing': issuer.sign(claims, { kid: undefined }),
  }
}

/** Signed by our key, with a name twice: what one reader takes for the value, another does not. */
function repeatedNames(issuer: TestIssuer, header: object, claims: object): Record<string, string> {
  const signed = (...texts: string[]) => {
    const input = texts.map((text) => Buffer.from(text).toString('base64url')).join('.')
    const key = { key: issuer.key.privatePem, dsaEncoding: 'ieee-p1363' } as const
    return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
  }
  const [h, p] = [JSON.stringify(header), JSON.stringify(claims)]
  return {
    'a name twice in the header': signed(h.replace('{', '{"kid":"other",'), p),
    'a name twice in the payload': signed(h, p.replace('{', '{"sub":"other",')),
  }
}

function wrongClaims(issuer: TestIssuer): Record<string, string> {
  const now = Math.floor(issuer.clock.now() / 1000)
  const wrong: Record<string, Record<string, unknown>> = {
    'iss of another': { iss: 'https://other.example' },
    'iss with a slash more': { iss: `${issuer.url}/` },
    'iss that is an array': { iss: [issuer.url] },
    'aud of another': { aud: 'other' },
    'aud of others': { aud: ['other', 'another'] },
    'aud that is empty': { aud: [] },
    'aud that is a number': { aud: 7 },
    'exp in the past': { iat: now - 900, exp: now - 1 },
    'exp right now': { iat: now - 900, exp: now },
    'exp that is huge': { exp: 1e300 },
    'exp that is negative': { exp: -1e20 },
    'exp that is text': { exp: `${now + 900}` },
    'life of over an hour': { exp: now + 3601 },
    'nbf in the future': { nbf: now + 60 },
    'nbf that is text': { nbf: 'now' },
    'roles that are text': { roles: 'admin' },
    'roles that are numbers': { roles: [1] },
    'sid that is a number': { sid: 7 },
    'gen that is negative': { gen: -1 },
    'ver that is text': { ver: '1' },
    'ver beyond what is safe': { ver: 2 ** 60 },
    'ep of a fraction': { ep: 1.5 },
    'user claims without session': { sid: undefined },
    'client claims without session': {
      sid: undefined,
      gen: undefined,
      roles: undefined,
      username: undefined,
    },
  }
  for (const claim of [
    'iss',
    'aud',
    'sub',
    'exp',
    'iat',
    'jti',
    'client_id',
    'ep',
    'ver',
    'gen',
    'roles',
    'username',
  ])
    wrong[`${claim} missing`] = { [claim]: undefined }
  const users = Object.entries(wrong).map(([name, claims]) => [name, issuer.mint({ claims })])
  const clients = {
    'client without scope': issuer.mintClient({ claims: { scope: undefined } }),
    'client with roles': issuer.mintClient({ claims: { roles: ['admin'] } }),
    'client that is not its subject': issuer.mintClient({ claims: { sub: 'other' } }),
  }
  return { ...Object.fromEntries(users), ...clients }
}
