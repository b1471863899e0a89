import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { TokenPair } from '@portcullis/schemas'
import type { Fault } from '../fault.ts'
import type { Stage } from '../stage.ts'
import { Tally } from '../tally.ts'
import { call, login, signUp, tryLogin, tryRefresh } from '../users.ts'

const isClaims = Compile(Type.Object({ roles: Type.Array(Type.String()) }))

/** How many verifiers take the token for good. */
async function takers(stage: Stage, token: string): Promise<number> {
  const counts = await Promise.all(stage.verifiers.map((verifier) => verifier.accepted([token])))
  return counts.flat().length
}

export const logoutAllWithLogin: Fault = {
  name: 'logout_all and a login in the same millisecond',
  async inject(stage, size) {
    const tally = new Tally(stage)
    const user = await signUp(stage.auth(0))
    let refused = 0
    for (let i = 0; i < (size === 'quick' ? 50 : 10_000); i++) {
      const old = await login(stage.auth(i), user)
      const [{ status }] = await Promise.all([
        call(stage.auth(i), 'POST', '/logout_all', { token: old.access_token }),
        tryLogin(stage.auth(i + 1), user.username),
      ])
      await tally.revoked(status, old.access_token)
      const after = await login(stage.auth(i), user)
      if ((await takers(stage, after.access_token)) < stage.verifiers.length) refused++
    }
    const { repairedMs: _, ...finding } = await tally.settle()
    return {
      ...finding,
      accepted: finding.accepted + refused,
      note: `${refused} new tokens refused ${tally.others}`,
    }
  },
}

export const rolesWithRefresh: Fault = {
  name: 'a change of roles, a refresh and a login at the same time',
  async inject(stage, size) {
    const tally = new Tally(stage)
    const admin = await tryLogin(stage.auth(0), 'admin', stage.adminPassword)
    if (typeof admin === 'number') throw new Error(`the admin's login answered ${admin}`)
    const user = await signUp(stage.auth(0))
    let mixed = 0
    for (let i = 0; i < (size === 'quick' ? 50 : 10_000); i++) {
      const pair = await login(stage.auth(i), user)
      const roles = i % 2 === 0 ? ['user', 'moderator'] : ['user']
      const [{ status }, refreshed, loggedIn] = await Promise.all([
        call(stage.auth(i), 'PUT', `/users/${user.id}/roles`, { token: admin.access_token, body: { roles } }),
        tryRefresh(stage.auth(i + 1), pair),
        tryLogin(stage.auth(i), user.username),
      ])
      await tally.revoked(status, pair.access_token)
      const tokens = [refreshed, loggedIn].filter((one): one is TokenPair => typeof one === 'object')
      for (const { access_token } of tokens) {
        const isNew = rolesOf(access_token).toSorted().join() === roles.toSorted().join()
        // Only old roles die; new ones live.
        if (isNew !== (await takers(stage, access_token)) > 0) mixed++
      }
    }
    const { repairedMs: _, ...finding } = await tally.settle()
    return { ...finding, accepted: finding.accepted + mixed, note: `${mixed} with a mixture ${tally.others}` }
  },
}

function rolesOf(token: string): string[] {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return isClaims.Check(claims) ? claims.roles : []
}
