/** The claims of a token, unchecked. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests look into claims of every shape
export function decodeJwt(token: string): any {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}
