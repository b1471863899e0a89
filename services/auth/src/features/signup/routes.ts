import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { SignupBodySchema, UserAnswerSchema, ref } from '@portcullis/schemas'
import {
  IDEMPOTENCY_PROBLEMS,
  IdempotencyKeySchema,
  REPLAYED,
  RETRY_SOON,
  problem,
  problemResponses,
} from '@portcullis/service-kit'
import { refuseCommonPassword } from '../../passwords/common.ts'
import { deviceOf } from '../../sessions/device.ts'
import { signUp } from './signup.ts'
import { Turns } from './turns.ts'

/** With the second that the database may take afterwards, an answer comes within two. */
const TURN_PATIENCE_MS = 900

export const signupRoutes: FastifyPluginAsyncTypebox = async (app) => {
  // Of many signups with one name that come at once only the first is worth the work of a hash.
  const turns = new Turns({
    patienceMs: TURN_PATIENCE_MS,
    impatience: () => problem('UNAVAILABLE', { headers: RETRY_SOON }),
  })
  const running = new Set<string>()

  app.post(
    '/signup',
    {
      schema: {
        operationId: 'signup',
        summary: 'Sign up',
        description:
          'Makes a user with the role `user`. Usernames and emails are unique without regard to case. A key that ' +
          'comes again with another body counts as a failed login with the username.',
        tags: ['users'],
        headers: IdempotencyKeySchema,
        body: ref(SignupBodySchema),
        response: {
          201: ref(UserAnswerSchema),
          ...problemResponses(
            'AUTH_PASSWORD_COMMON',
            'AUTH_USERNAME_TAKEN',
            'AUTH_EMAIL_TAKEN',
            'AUTH_LOGIN_THROTTLED',
            'AUTH_HASHING_BUSY',
            ...IDEMPOTENCY_PROBLEMS,
          ),
        },
      },
    },
    async (request, reply) => {
      refuseCommonPassword(request.body.password, '/password')
      const name = request.body.username.toLowerCase()
      const once = app.idempotency.of(request, name)
      const key = once?.key.toString('base64url')
      if (key !== undefined && running.has(key))
        throw problem('IDEMPOTENCY_KEY_RUNNING', { headers: RETRY_SOON })
      if (key !== undefined) running.add(key)
      try {
        const { answer, isReplayed } = await turns.take(name, () =>
          signUp(app, request.body, once, deviceOf(request)),
        )
        return await reply
          .code(201)
          .headers(isReplayed ? REPLAYED : {})
          .send(answer)
      } finally {
        if (key !== undefined) running.delete(key)
      }
    },
  )
}
