import { createHmac, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import type { IssuersKey } from './signing-key.ts'

/** A token that no service may take, and what is wrong with it. */
export interface Forgery {
  readonly what: string
  readonly token: string
}

type Json = Readonly<Record<string, unknown>>
type Sign = (input: string) => Buffer | string

/** What forgers have: a good token of theirs, and the public key. */
export interface Material {
  readonly access: string
  readonly refresh: string
  readonly key: IssuersKey
}

/** base64url of a text, or of a value as JSON. */
export function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

export function decode(part: string | undefined): Json {
  return JSON.parse(Buffer.from(part ?? '', 'base64url').toString())
}

/** A token of these parts; text is taken as it is, as JSON that is perhaps none. */
export function forge(header: unknown, payload: unknown, signer: Sign): string {
  const input = `${encode(header)}.${encode(payload)}`
  const signature = signer(input)
  return `${input}.${typeof signature === 'string' ? signature : signature.toString('base64url')}`
}

export function partsOf({ access }: Material): { header: Json; claims: Json; signature: string } {
  const [header, claims, signature = ''] = access.split('.')
  return { header: decode(header), claims: decode(claims), signature }
}

/** Tokens whose `alg` says that there is nothing to check. */
export function* unsigned(material: Material): Generator<Forgery> {
  const { header, claims, signature } = partsOf(material)
  for (const alg of [
    'none',
    'None',
    'NONE',
    'nOnE',
    'none ',
    'n\u00f6ne',
    '',
    null,
    undefined,
    0,
    ['ES256'],
    {},
  ]) {
    yield {
      what: `alg ${JSON.stringify(alg)}, no signature`,
      token: forge({ ...header, alg }, claims, () => ''),
    }
    yield {
      what: `alg ${JSON.stringify(alg)}, the old signature`,
      token: forge({ ...header, alg }, { ...claims, sub: 'admin' }, () => signature),
    }
  }
}

/** Tokens signed by HMAC with what is public, in every spelling of it. */
export function* confused(material: Material): Generator<Forgery> {
  const { header, claims } = partsOf(material)
  for (const [name, secret] of publicSecrets(material.key))
    for (const [alg, hash] of [
      ['HS256', 'sha256'],
      ['HS384', 'sha384'],
      ['HS512', 'sha512'],
    ] as const)
      yield {
        what: `${alg} with ${name}`,
        token: forge({ ...header, alg }, claims, (input) => createHmac(hash, secret).update(input).digest()),
      }
  // The same signature under the name of the right algorithm.
  for (const [name, secret] of publicSecrets(material.key))
    yield {
      what: `an HMAC with ${name} that says ES256`,
      token: forge(header, claims, (input) => createHmac('sha256', secret).update(input).digest()),
    }
}

function* publicSecrets({ kid, publicPem, jwk }: IssuersKey): Generator<[string, Buffer | string]> {
  const der = createPublicKey(publicPem).export({ format: 'der', type: 'spki' })
  const x = Buffer.from(String(jwk['x']), 'base64url')
  const y = Buffer.from(String(jwk['y']), 'base64url')
  yield ['the PEM', publicPem]
  yield ['the PEM without its last newline', publicPem.trimEnd()]
  yield ['the PEM with CRLF', publicPem.replaceAll('\n', '\r\n')]
  yield ['the PEM in one line', publicPem.replaceAll('\n', '')]
  yield ['the base64 of the PEM', Buffer.from(publicPem).toString('base64')]
  yield ['the DER', der]
  yield ['the base64 of the DER', der.toString('base64')]
  yield ['the hex of the DER', der.toString('hex')]
  yield ['the uncompressed point', Buffer.concat([Buffer.from([4]), x, y])]
  yield ['the compressed point', Buffer.concat([Buffer.from([2 + ((y.at(-1) ?? 0) & 1)]), x])]
  yield ['x', x]
  yield ['x and y as text', `${String(jwk['x'])}${String(jwk['y'])}`]
  yield ['the JWK', JSON.stringify(jwk)]
  yield ['the JWK Set', JSON.stringify({ keys: [jwk] })]
  yield ['the kid', kid]
  yield ['a blank secret', '']
  yield ['a NUL', '\0']
  yield ['the word secret', 'secret']
}

/** Tokens signed by a key of the forger's own, which comes with the token or is pointed to. */
export function* embedded(material: Material): Generator<Forgery> {
  const { header, claims } = partsOf(material)
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...own.publicKey.export({ format: 'jwk' }), kid: header['kid'], use: 'sig', alg: 'ES256' }
  const x5c = [own.publicKey.export({ format: 'der', type: 'spki' }).toString('base64')]
  const elsewhere = 'http://127.0.0.1:9/.well-known/jwks.json'
  for (const extra of [
    { jwk },
    { jku: elsewhere },
    { x5u: elsewhere },
    { x5c },
    { jwk, jku: elsewhere, x5c },
    {},
  ]) {
    const names = Object.keys(extra).join(', ') || 'nothing'
    yield {
      what: `a foreign key with ${names}`,
      token: forge({ ...header, ...extra }, claims, signedBy(own.privateKey)),
    }
    yield {
      what: `a foreign key with ${names} and no kid`,
      token: forge({ ...header, ...extra, kid: undefined }, claims, signedBy(own.privateKey)),
    }
    if (names !== 'nothing')
      yield {
        what: `the right key with ${names}`,
        token: forge({ ...header, ...extra }, claims, material.key.sign),
      }
  }
  yield {
    what: 'kid and jwk of a foreign key',
    token: forge({ ...header, jwk, kid: 'mine' }, claims, signedBy(own.privateKey)),
  }
}

/** Tokens whose kid is meant to be more than a name. */
export function* kids(material: Material): Generator<Forgery> {
  const { header, claims } = partsOf(material)
  const injected = [
    '../../../../../../dev/null',
    '/dev/null',
    'file:///dev/null',
    'http://127.0.0.1:9/key.pem',
    "' or '1'='1",
    "x' union select 'secret' --",
    '$(id)',
    '| cat /etc/passwd',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'x'.repeat(257),
    `${material.key.kid}\0`,
    ` ${material.key.kid}`,
    material.key.kid.toLowerCase(),
    '',
    '\ud800',
    null,
    undefined,
    0,
    true,
    [material.key.kid],
    { kid: material.key.kid },
    material.key.publicPem,
  ]
  for (const kid of injected) {
    const name = JSON.stringify(kid)?.slice(0, 40)
    yield { what: `kid ${name}, rightly signed`, token: forge({ ...header, kid }, claims, material.key.sign) }
    yield {
      what: `kid ${name}, HS256 with a blank secret`,
      token: forge({ ...header, kid, alg: 'HS256' }, claims, (input) =>
        createHmac('sha256', '').update(input).digest(),
      ),
    }
  }
}

/** Signatures that are none. */
export function* signatures(material: Material): Generator<Forgery> {
  const { header, claims, signature } = partsOf(material)
  const right = Buffer.from(signature, 'base64url')
  const n = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
  const zero = Buffer.alloc(32)
  const one = Buffer.concat([Buffer.alloc(31), Buffer.from([1])])
  const texts: [string, Buffer | string][] = [
    ['r = s = 0', Buffer.concat([zero, zero])],
    ['r = 0, s = 1', Buffer.concat([zero, one])],
    ['r = s = n', Buffer.concat([n, n])],
    ['r = 1, s = n', Buffer.concat([one, n])],
    ['nothing', ''],
    ['the word null', 'null'],
    ['one byte', Buffer.from([0])],
    ['its first half', right.subarray(0, 32)],
    ['itself and more', Buffer.concat([right, zero])],
    ['its halves swapped', Buffer.concat([right.subarray(32), right.subarray(0, 32)])],
    ['no base64', '!!!!'],
    ['a megabyte of nothing', 'A'.repeat(4000)],
  ]
  for (const [name, text] of texts)
    yield { what: `the signature is ${name}`, token: forge(header, claims, () => text) }
  yield {
    what: 'the signature of another token',
    token: forge(header, { ...claims, sub: 'admin' }, () => right),
  }
  yield { what: 'a changed role', token: forge(header, { ...claims, roles: ['admin'] }, () => right) }
  yield { what: 'another type', token: forge({ ...header, typ: 'JWT' }, claims, () => right) }
}

/** Keys of other curves and kinds, under the name of the right key. */
export function* curves(material: Material): Generator<Forgery> {
  const { header, claims } = partsOf(material)
  const keys: [string, KeyObject][] = [
    ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
    ['P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey],
    ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey],
    ['Ed25519', generateKeyPairSync('ed25519').privateKey],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ]
  for (const [name, key] of keys)
    for (const alg of ['ES256', 'ES384', 'ES512', 'ES256K', 'EdDSA', 'Ed25519', 'RS256', 'PS256'])
      yield {
        what: `${alg} with a foreign key of ${name}`,
        token: forge({ ...header, alg }, claims, signedBy(key)),
      }
  for (const alg of ['ES384', 'ES512', 'ES256K', 'es256', 'RS256', 'PS256', 'EdDSA'])
    yield { what: `the right key under ${alg}`, token: forge({ ...header, alg }, claims, material.key.sign) }
}

function signedBy(key: KeyObject): Sign {
  const hash = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  return (input) => sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
}
