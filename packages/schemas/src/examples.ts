/** What the examples of the schemas share: they tell of one user, and fit together. */
export const EXAMPLE = {
  userId: '019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77',
  sessionId: '019a5c3f-2b10-7a6e-8c1d-5e9f0a4b7c33',
  postId: '019a5c41-6d0e-7f52-b3a8-0c7d2e5f9b14',
  taskId: '019a5c42-1f9a-7b3c-9e60-4d8a1b2c6e05',
  signedUpAt: '2026-11-21T09:30:00.000Z',
  laterAt: '2026-11-21T09:45:12.481Z',
  sessionEndsAt: '2026-12-05T09:45:12.481Z',
  accessToken: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl',
  refreshToken: 'eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl',
  issuer: 'http://localhost:8080',
} as const

const { signedUpAt, laterAt, sessionEndsAt } = EXAMPLE

export const USER = {
  id: EXAMPLE.userId,
  username: 'ada.lovelace',
  email: 'Ada@example.com',
  full_name: 'Ada Lovelace',
  roles: ['user'],
  status: 'active',
  created_at: signedUpAt,
  updated_at: signedUpAt,
}

export const TOKEN_PAIR = {
  access_token: EXAMPLE.accessToken,
  refresh_token: EXAMPLE.refreshToken,
  token_type: 'Bearer',
  expires_in: 900,
  refresh_expires_in: 1_209_600,
}

export const KEPT_SESSION = {
  id: EXAMPLE.sessionId,
  created_at: signedUpAt,
  last_used_at: laterAt,
  expires_at: sessionEndsAt,
  ip: '203.0.113.7',
  user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
}

export const LOGIN_ATTEMPT = {
  id: '019a5c3f-2b0c-7e15-b7d4-1a6c8f0e3b92',
  at: signedUpAt,
  ip: KEPT_SESSION.ip,
  user_agent: KEPT_SESSION.user_agent,
  outcome: 'success',
  session_id: EXAMPLE.sessionId,
}

export const CLIENT = {
  client_id: 'billing',
  name: 'Billing',
  scopes: ['revocations:read'],
  status: 'active',
  created_at: signedUpAt,
  updated_at: signedUpAt,
}

/** The public key of RFC 7517 appendix A.1. */
export const JWK = {
  kty: 'EC',
  kid: 'cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s',
  use: 'sig',
  alg: 'ES256',
  crv: 'P-256',
  x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
  y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
}

export const USER_CHANGE = {
  seq: 17,
  user_id: EXAMPLE.userId,
  username: 'ada.lovelace',
  deleted: false,
  at: signedUpAt,
}
