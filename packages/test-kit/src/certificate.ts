import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** For `node:tls`, in PEM. */
export interface TestCertificate {
  readonly key: string
  readonly cert: string
}

const OID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
}
const DNS_NAME = 0x82

/** A value of ASN.1 as DER writes it (X.690, section 8.1): tag, length, content. */
function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content)
  const { length } = body
  const size =
    length < 0x80 ? [length] : length < 0x1_00 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
const sequence = (...content: Buffer[]) => der(0x30, ...content)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const bits = (content: Buffer) => der(0x03, Buffer.from([0]), content)
const text = (tag: number, content: string) => der(tag, Buffer.from(content))

/** A self-signed certificate for this name (RFC 5280, section 4.1). */
export function selfSigned(name: string): TestCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = sequence(oid(OID.ecdsaWithSha256))
  const who = sequence(der(0x31, sequence(oid(OID.commonName), text(0x0c, name))))
  const extension = (id: string, value: Buffer) => sequence(oid(id), der(0x04, value))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1]), randomBytes(8)),
    algorithm,
    who,
    sequence(text(0x17, '200101000000Z'), text(0x17, '491231235959Z')),
    who,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        extension(OID.subjectAltName, sequence(text(DNS_NAME, name))),
        extension(OID.basicConstraints, sequence(der(0x01, Buffer.from([0xff])))),
      ),
    ),
  )
  const signature = sign('sha256', body, privateKey)
  const base64 = sequence(body, algorithm, bits(signature)).toString('base64')
  // A blank line before the end would be no certificate to OpenSSL.
  const lines = base64.match(/.{1,64}/g) ?? []
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  }
}
