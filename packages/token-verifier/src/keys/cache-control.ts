/** How long an answer may be used, in seconds. */
export interface Freshness {
  maxAge: number
  staleWhileRevalidate: number
  staleIfError: number
}

const DEFAULTS: Freshness = { maxAge: 300, staleWhileRevalidate: 60, staleIfError: 3600 }
/** A day: no header makes a withdrawn key live longer in a verifier. */
const LONGEST = 86_400
/** No header makes every request ask again. */
const SHORTEST = 5

/** Reads `Cache-Control` (RFC 9111 section 5.2, RFC 5861); what is absent has the default of our own JWKS. */
export function readCacheControl(header: string | null): Freshness {
  const directives = new Map<string, number>()
  for (const part of (header ?? '').split(',')) {
    const [name = '', value = ''] = part.trim().toLowerCase().split('=')
    if (name === 'no-cache' || name === 'no-store') directives.set('max-age', 0)
    else if (/^"?\d{1,10}"?$/.test(value)) directives.set(name, Number(value.replaceAll('"', '')))
  }
  const read = (name: string, otherwise: number) => Math.min(directives.get(name) ?? otherwise, LONGEST)
  return {
    maxAge: Math.max(read('max-age', DEFAULTS.maxAge), SHORTEST),
    staleWhileRevalidate: read('stale-while-revalidate', DEFAULTS.staleWhileRevalidate),
    staleIfError: read('stale-if-error', DEFAULTS.staleIfError),
  }
}
