import { encode, forge, partsOf, type Forgery, type Material } from './forge.ts'

/** Tokens that the issuer's own key has signed, and that say what it never says. */
export function* claims(material: Material): Generator<Forgery> {
  const { header, claims } = partsOf(material)
  const now = Math.floor(Date.now() / 1000)
  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    iss: ['https://elsewhere.test', `${String(claims['iss'])}/`, '', null, undefined, [claims['iss']]],
    aud: [
      'elsewhere',
      ['elsewhere'],
      [],
      '',
      null,
      undefined,
      { 0: 'portcullis' },
      'portculli',
      'portcullis2',
    ],
    sub: ['', null, undefined, 1, ['a']],
    exp: [String(now + 60), now - 1, 0, -1, 1e300, null, undefined, now + 60.5, [now + 60], now + 7200],
    iat: [String(now), null, undefined, now - 7200, -1],
    nbf: [now + 60, String(now), null],
    jti: ['', null, undefined, 1],
    client_id: ['', null, undefined, 1],
    ep: [null, undefined, '1', -1, 0],
    ver: [null, undefined, '1', -1],
    sid: ['', null, undefined, 1, {}],
    gen: [null, undefined, '1', -1],
    roles: ['admin', null, undefined, [1], { admin: true }, ['x'.repeat(33)]],
    username: ['', null, undefined, 1],
  }
  for (const [name, values] of Object.entries(wrong))
    for (const value of values)
      yield {
        what: `${name} ${JSON.stringify(value)}`,
        token: forge(header, { ...claims, [name]: value }, material.key.sign),
      }
  const anonymous = { ...claims, sid: undefined, gen: undefined, roles: undefined, username: undefined }
  yield {
    what: 'neither the claims of a user nor those of a client',
    token: forge(header, anonymous, material.key.sign),
  }
  yield {
    what: 'a client that is not its subject',
    token: forge(header, { ...anonymous, scope: 'users:changes' }, material.key.sign),
  }
}

/** Headers of the issuer's own key that say what it never says. */
export function* headers(material: Material): Generator<Forgery> {
  const { header, claims } = partsOf(material)
  const wrong = [
    { crit: ['exp'] },
    { crit: ['b64'], b64: false },
    { crit: ['urn:example:unknown'], 'urn:example:unknown': 1 },
    { crit: [] },
    { crit: 'exp' },
    { crit: null },
    { typ: 'JWT' },
    { typ: 'rt+jwt' },
    { typ: 'at+jwt2' },
    { typ: '' },
    { typ: null },
    { typ: undefined },
    { typ: ['at+jwt'] },
    { b64: false, crit: ['b64'] },
    { zip: 'DEF', crit: ['zip'] },
  ]
  for (const extra of wrong)
    yield {
      what: `header ${JSON.stringify(extra)}`,
      token: forge({ ...header, ...extra }, claims, material.key.sign),
    }
}

/** What is no token, or not the whole of one, or more than one. */
export function* shapes(material: Material): Generator<Forgery> {
  const { access, key } = material
  const { header, claims } = partsOf(material)
  const [head = '', body = '', signature = ''] = access.split('.')
  const texts: readonly [string, string][] = [
    ['without the last character', access.slice(0, -1)],
    ['without the last byte', access.slice(0, -2)],
    ['without the signature', `${head}.${body}`],
    ['with an empty signature', `${head}.${body}.`],
    ['without the payload', `${head}..${signature}`],
    ['without the header', `.${body}.${signature}`],
    ['the header alone', head],
    ['two dots', '..'],
    ['one dot', '.'],
    ['four parts', `${access}.${signature}`],
    ['five parts', `${access}.${body}.${signature}`],
    ['twice', `${access}${access}`],
    ['twice with a comma', `${access},${access}`],
    ['in quotes', `"${access}"`],
    ['with a percent code', access.replace('.', '%2E')],
    ['a word', 'token'],
    ['a JSON Web Signature in JSON', encode({ protected: head, payload: body, signature })],
  ]
  for (const [name, token] of texts) yield { what: name, token }

  const payloads: readonly [string, unknown][] = [
    ['null', null],
    ['a number', 1],
    ['a list', [claims]],
    ['no JSON', 'nonsense'],
    ['two objects', `${JSON.stringify(claims)}${JSON.stringify(claims)}`],
    ['a byte order mark', `\ufeff${JSON.stringify(claims)}`],
    ['nothing', ''],
    ['a proto', `{"__proto__":${JSON.stringify(claims)}}`],
  ]
  for (const [name, payload] of payloads) {
    yield { what: `the payload is ${name}`, token: forge(header, payload, key.sign) }
    if (name !== 'a byte order mark')
      yield { what: `the header is ${name}`, token: forge(payload, claims, key.sign) }
  }
  yield {
    what: 'invalid UTF-8',
    token: `${head}.${Buffer.from([0xff, 0xfe, 0x7b]).toString('base64url')}.${signature}`,
  }
}

/** Tokens that are meant to make reading them expensive, or to be read in two ways. */
export function* heavy(material: Material): Generator<Forgery> {
  const { key } = material
  const { header, claims, signature } = partsOf(material)
  const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
  const old = () => signature
  yield {
    what: '9 KiB, rightly signed',
    token: forge(header, { ...claims, pad: 'x'.repeat(6700) }, key.sign),
  }
  yield { what: '9 KiB of signature', token: forge(header, claims, () => 'A'.repeat(8700)) }
  yield { what: '9 KiB of dots', token: '.'.repeat(9216) }
  yield { what: 'a payload nested 2900 deep, rightly signed', token: forge(header, deep(2900), key.sign) }
  yield { what: 'a claim nested 2500 deep', token: forge(header, `{"sub":${deep(2500)}}`, old) }
  yield { what: 'a header nested 2900 deep', token: forge(deep(2900), claims, old) }
  yield { what: 'a kid nested 2500 deep', token: forge(`{"alg":"ES256","kid":${deep(2500)}}`, claims, old) }
  yield { what: '2000 names in the header', token: forge(many(500), claims, old) }
  const text = JSON.stringify(claims)
  const twice = (name: string, value: unknown) =>
    `${text.slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(value)}}`
  yield { what: 'a second sub', token: forge(header, twice('sub', 'admin'), old) }
  yield {
    what: 'a second alg',
    token: forge(`${JSON.stringify(header).slice(0, -1)},"alg":"none"}`, claims, () => ''),
  }
  for (const [name, value] of [
    ['sub', 'admin'],
    ['roles', ['admin']],
    ['exp', 9_999_999_999],
    ['aud', 'portcullis'],
    ['jti', 'other'],
  ] as const)
    yield { what: `a second ${name}, rightly signed`, token: forge(header, twice(name, value), key.sign) }
}

function many(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, index]))
}
