import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { SignupBodySchema, UserAnswerSchema, ref } from '@portcullis/schemas'
import { problem, problemResponses } from '@portcullis/service-kit'
import { isCommonPassword } from '../../passwords/common.ts'
import { createUser } from '../../users/create.ts'
import { toUser } from '../../users/queries.ts'

export const signupRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/signup',
    {
      schema: {
        operationId: 'signup',
        summary: 'Sign up',
        description:
          'Makes a user with the role `user`. Usernames and emails are unique without regard to case.',
        tags: ['users'],
        body: ref(SignupBodySchema),
        response: {
          201: ref(UserAnswerSchema),
          ...problemResponses(
            'REQUEST_INVALID',
            'AUTH_PASSWORD_COMMON',
            'AUTH_USERNAME_TAKEN',
            'AUTH_EMAIL_TAKEN',
            'AUTH_HASHING_BUSY',
          ),
        },
      },
    },
    async (request, reply) => {
      const { username, email, password } = request.body
      if (isCommonPassword(password))
        throw problem('AUTH_PASSWORD_COMMON', {
          errors: [{ pointer: '/password', code: 'common', detail: 'is among the most common passwords' }],
        })
      const password_hash = await app.passwords.hash(password)
      const user = await createUser(app, { username, email: email ?? null, password_hash, roles: ['user'] })
      return reply.code(201).send({ user: toUser(user) })
    },
  )
}
