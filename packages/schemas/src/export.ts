import { Type, type Static } from 'typebox'
import { TimeSchema, ref } from './common.ts'
import { LoginAttemptSchema } from './login.ts'
import { SessionSchema } from './session.ts'
import { UserSchema } from './user.ts'
import { EXAMPLE, USER, KEPT_SESSION, LOGIN_ATTEMPT } from './examples.ts'

const { current: _current, ...sessionProperties } = SessionSchema.properties

/** A session with all that is kept of it, also after its end. */
export const ExportedSessionSchema = Type.Object({
  ...sessionProperties,
  ends_at: Type.String({ format: 'date-time', description: 'When it ends, used or not' }),
  ended_at: Type.Union([TimeSchema, Type.Null()]),
  end_reason: Type.Union([Type.String(), Type.Null()]),
})
export type ExportedSession = Static<typeof ExportedSessionSchema>

/** All that is kept about a user, but for what proves who they are: no hash, no key, no token. */
export const UserExportSchema = Type.Object(
  {
    exported_at: TimeSchema,
    user: ref(UserSchema),
    sessions: Type.Array(ExportedSessionSchema),
    logins: Type.Array(ref(LoginAttemptSchema)),
  },
  {
    $id: 'UserExport',
    description: 'All that auth keeps about a user, but for what proves who it is',
    examples: [
      {
        exported_at: EXAMPLE.laterAt,
        user: USER,
        sessions: [{ ...KEPT_SESSION, ends_at: EXAMPLE.sessionEndsAt, ended_at: null, end_reason: null }],
        logins: [LOGIN_ATTEMPT],
      },
    ],
  },
)
export type UserExport = Static<typeof UserExportSchema>
