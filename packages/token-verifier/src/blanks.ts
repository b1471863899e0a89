/**
 * Why a URL with white space or control characters is refused: `new URL` drops or encodes them, and others that are given
 * the same text do not, so they would read another address than the one that was checked.
 */
export function faultOfBlanks(url: string): string | undefined {
  if (!/[\s\p{Cc}]/u.test(url)) return undefined
  return 'has white space or a control character; a blank that is meant is written as %20'
}
