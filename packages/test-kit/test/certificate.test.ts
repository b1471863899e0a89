import { X509Certificate } from 'node:crypto'
import { test } from 'tap'
import { selfSigned } from '@portcullis/test-kit'

test('a certificate can be read, whatever the length of its name', async (t) => {
  for (let length = 1; length <= 48; length++) {
    const name = 'a'.repeat(length)
    const { subject } = new X509Certificate(selfSigned(name).cert)
    t.equal(subject, `CN=${name}`)
  }
})
