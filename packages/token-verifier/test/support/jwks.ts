import { FakeClock } from '@portcullis/test-kit'
import { jwksKeys, type JwksOptions } from '@portcullis/token-verifier'

const URL = 'https://auth.example/.well-known/jwks.json'
export const CACHE = 'public, max-age=300, stale-while-revalidate=60, stale-if-error=3600'

interface State {
  keys: unknown[]
  cacheControl: string
  age: string | undefined
  etag: string
  body: string | undefined
  isDown: boolean
  requests: Headers[]
}

/** A JWKS endpoint in memory: its answer can be changed, and its requests are counted. */
export function endpoint(keys: unknown[]) {
  const requests: Headers[] = []
  const state: State = {
    keys,
    cacheControl: CACHE,
    age: undefined,
    etag: 'W/"1"',
    body: undefined,
    isDown: false,
    requests,
  }
  const fetch: NonNullable<JwksOptions['fetch']> = async (_url, init) => {
    const headers = new Headers(init?.headers)
    state.requests.push(headers)
    if (state.isDown) throw new TypeError('fetch failed')
    const answered = {
      'cache-control': state.cacheControl,
      etag: state.etag,
      ...(state.age !== undefined && { age: state.age }),
    }
    if (headers.get('if-none-match') === state.etag)
      return new Response(null, { status: 304, headers: answered })
    const body = state.body ?? JSON.stringify({ keys: state.keys })
    return new Response(body, { headers: answered })
  }
  return { state, fetch }
}

/** Keys of such an endpoint, by a clock that stands still. */
export function setup(keys: unknown[], more: Partial<JwksOptions> = {}) {
  const clock = new FakeClock()
  const { state, fetch } = endpoint(keys)
  const pace = () => clock.monotonic()
  return { clock, state, source: jwksKeys({ url: URL, clock, pace, fetch, ...more }) }
}
