/** How long an answer may be used, in seconds from when it was asked for. */
export interface Freshness {
  maxAge: number
  staleWhileRevalidate: number
  staleIfError: number
}

const DEFAULTS: Freshness = { maxAge: 300, staleWhileRevalidate: 60, staleIfError: 3600 }
/**
 * From when the issuer made the answer to its last use, also after the issuer has fallen silent. A key that is given up is
 * named in the revocation log for 65 minutes, and by then every set that still has it is too old.
 */
const LONGEST_USE = 3600
/** No header makes every request ask again. */
const SHORTEST = 5

/**
 * Reads `Cache-Control` (RFC 9111 section 5.2, RFC 5861) and `Age`, the time that the answer has spent in caches on its way
 * (section 5.1). What is absent has the default of our own JWKS.
 *
 * @throws Error if the answer is too old to be used at all
 */
export function readFreshness(headers: Headers): Freshness {
  const age = readAge(headers.get('age'))
  const left = LONGEST_USE - age
  if (left <= 0) throw new Error(`the JWK Set is too old: it has been in a cache for ${age} s`)
  const directives = readDirectives(headers.get('cache-control'))
  const read = (name: string, otherwise: number) => directives.get(name) ?? otherwise
  const maxAge = Math.min(Math.max(read('max-age', DEFAULTS.maxAge) - age, SHORTEST), left)
  const beyond = (name: string, otherwise: number) => Math.min(read(name, otherwise), left - maxAge)
  return {
    maxAge,
    staleWhileRevalidate: beyond('stale-while-revalidate', DEFAULTS.staleWhileRevalidate),
    staleIfError: beyond('stale-if-error', DEFAULTS.staleIfError),
  }
}

function readDirectives(header: string | null): Map<string, number> {
  const directives = new Map<string, number>()
  for (const part of (header ?? '').split(',')) {
    const [name = '', value = ''] = part.trim().toLowerCase().split('=')
    if (name === 'no-cache' || name === 'no-store') directives.set('max-age', 0)
    else if (/^"?\d{1,10}"?$/.test(value)) directives.set(name, Number(value.replaceAll('"', '')))
  }
  return directives
}

/** In seconds. What is no number says nothing; of several, as caches in a row may leave them, the greatest counts. */
function readAge(header: string | null): number {
  const ages = (header ?? '').split(',').map((part) => part.trim())
  return Math.max(0, ...ages.filter((age) => /^\d+$/.test(age)).map(Number))
}
