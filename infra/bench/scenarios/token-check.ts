import { generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import type { UserClaims } from '@portcullis/schemas'
import { createVerifier, instant, Replica, systemClock } from '@portcullis/token-verifier'
import { median } from '../../dev/statistics.ts'
import type { Pace } from '../compare.ts'
import type { Row } from '../report.ts'

const TOKENS = 1500
const USES = 100_000
const ISSUER = 'https://auth.example'

/** CPU time that the check of a token takes in this process, without a server around it. */
export async function tokenCheck({ rounds }: Pace): Promise<Row[]> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = publicKey.export({ type: 'spki', format: 'pem' })
  const replica = new Replica()
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: 'bench',
    keys: { find: () => pem },
    replica,
    maxStalenessSeconds: 3600,
  })
  verifier.start()
  replica.advance({ epoch: 1, seq: 0, base: 0 }, instant(systemClock))

  const bare: number[] = []
  const first: number[] = []
  const again: number[] = []
  // A difference of two times that are much larger: it takes many rounds to tell it from noise.
  for (let round = 0; round <= 5 * rounds; round++) {
    const tokens = Array.from({ length: TOKENS }, () => mint(privateKey))
    const signatures = tokens.map((token) => {
      const end = token.lastIndexOf('.')
      return {
        text: Buffer.from(token.slice(0, end)),
        signature: Buffer.from(token.slice(end + 1), 'base64url'),
      }
    })
    const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
    bare.push(
      await cpuMicros(TOKENS, (n) => {
        const { text, signature } = signatures[n] ?? { text: Buffer.alloc(0), signature: Buffer.alloc(0) }
        if (!verify('sha256', text, key, signature)) throw new Error('a good signature was refused')
      }),
    )
    first.push(await cpuMicros(TOKENS, (n) => verifier.verify(tokens[n] ?? '')))
    again.push(await cpuMicros(USES, (n) => verifier.check(copyOf(tokens[n % 100] ?? ''))))
  }
  // The first round warms up.
  const [bareMicros, firstMicros, againMicros] = [bare, first, again].map((all) => median(all.slice(1)))
  return [
    row(
      'token check, seen before',
      againMicros ?? NaN,
      `${USES} uses of 100 tokens, revocations and times looked at`,
      6,
    ),
    row(
      'token check, first time, beyond the bare signature',
      (firstMicros ?? NaN) - (bareMicros ?? NaN),
      `${firstMicros?.toFixed(1)} − ${bareMicros?.toFixed(1)} µs, ${TOKENS} tokens`,
      20,
    ),
  ]
}

function row(name: string, value: number, figures: string, atMost: number): Row {
  return { name, figures, value, unit: 'µs CPU', target: { bound: 'at most', value: atMost } }
}

/** As it comes out of a request: a string that nobody has hashed yet. */
function copyOf(token: string): string {
  return Buffer.from(token, 'latin1').toString('latin1')
}

async function cpuMicros(times: number, work: (n: number) => unknown): Promise<number> {
  const before = process.threadCpuUsage()
  for (let n = 0; n < times; n++) {
    const result = work(n)
    if (result instanceof Promise) await result
  }
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / times
}

function mint(key: KeyObject): string {
  const now = Math.floor(Date.now() / 1000)
  const claims: UserClaims = {
    iss: ISSUER,
    aud: 'bench',
    sub: crypto.randomUUID(),
    exp: now + 900,
    iat: now,
    jti: crypto.randomUUID(),
    client_id: 'portcullis',
    ep: 1,
    ver: 1,
    sid: crypto.randomUUID(),
    gen: 1,
    roles: ['user'],
    username: 'ada',
  }
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: 'ES256', typ: 'at+jwt', kid: 'bench' })}.${part(claims)}`
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}
