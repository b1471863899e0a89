/** Why a URL is refused of which its parser drops some and encodes the rest: others who are given the text do neither. */
export function faultOfBlanks(url: string): string | undefined {
  if (!/[\s\p{Cc}]/u.test(url)) return undefined
  return 'has white space or a control character; a blank that is meant is written as %20'
}
