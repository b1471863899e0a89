import { Type, type Static } from 'typebox'
import { IdSchema, TimeSchema, pageOf } from './common.ts'
import { LOGIN_ATTEMPT } from './examples.ts'

/** How an attempt to log in went: `success`, or the reason why it failed. */
export const LoginOutcomeSchema = Type.Union(
  [
    Type.Literal('success'),
    Type.Literal('wrong_password'),
    Type.Literal('disabled'),
    Type.Literal('throttled'),
    Type.Literal('busy'),
  ],
  {
    description:
      '`success`; `wrong_password`; `disabled`: the password was right, the user is disabled; `throttled`: too ' +
      'many failures before; `busy`: the service had too many passwords to check',
  },
)
export type LoginOutcome = Static<typeof LoginOutcomeSchema>
export type LoginFailure = Exclude<LoginOutcome, 'success'>

/** One attempt to log in as a user, as the login history keeps it. */
export const LoginAttemptSchema = Type.Object(
  {
    id: IdSchema,
    at: TimeSchema,
    ip: Type.Union([Type.String(), Type.Null()]),
    user_agent: Type.Union([Type.String(), Type.Null()]),
    outcome: LoginOutcomeSchema,
    session_id: Type.Union([IdSchema, Type.Null()], { description: 'The session that a success opened' }),
  },
  { $id: 'LoginAttempt', description: 'An attempt to log in', examples: [LOGIN_ATTEMPT] },
)
export type LoginAttempt = Static<typeof LoginAttemptSchema>

export const LoginPageSchema = pageOf('LoginPage', LoginAttemptSchema)
