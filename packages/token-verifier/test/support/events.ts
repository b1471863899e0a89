import type { RevocationEvent, UserClaims } from '@portcullis/schemas'

/** An event as the log has it. */
export function event(
  seq: number,
  key: string,
  more: Partial<Omit<RevocationEvent, 'seq' | 'key'>> = {},
): RevocationEvent {
  return { epoch: 1, seq, kind: 'session', key, value: 0, keep_until: 4e12, at: 0, ...more }
}

/** Claims of a user's token. */
export function userClaims(more: Partial<UserClaims> = {}): UserClaims {
  return {
    iss: 'https://auth.example',
    aud: 'test',
    sub: 'user',
    exp: 4e9,
    iat: 4e9 - 900,
    jti: 'token',
    client_id: 'portcullis',
    ep: 1,
    ver: 1,
    sid: 'session',
    gen: 1,
    roles: [],
    username: 'ada',
    ...more,
  }
}
