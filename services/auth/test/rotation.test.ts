import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { rotateSession } from '../src/sessions/issue-queries.ts'
import { decideRotation, type SessionState } from '../src/sessions/decide-rotation.ts'
import { startAuth } from './support/auth.ts'

const REPLAY_SECONDS = 10
const NOW = Date.UTC(2026, 0, 1)

type Step =
  /** A token of so many generations ago is used. */
  | { readonly step: 'use'; readonly back: number }
  | { readonly step: 'rename' }
  | { readonly step: 'pass'; readonly ms: number }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ step: fc.constant('use' as const), back: fc.nat(3) }),
    fc.record({ step: fc.constant('rename' as const) }),
    fc.record({ step: fc.constant('pass' as const), ms: fc.constantFrom(1, 5_000, 10_000, 10_001, 60_000) }),
  ),
  { maxLength: 40, size: 'max' },
)

const EVER = Number.MAX_SAFE_INTEGER
const fresh: SessionState = {
  gen: 1,
  endedAt: undefined,
  expiresAt: EVER,
  endsAt: EVER,
  rotatedBy: undefined,
  rotatedAt: undefined,
}

const isNewest = (state: SessionState, gen: number) => state.endedAt === undefined && gen === state.gen

const next = (state: SessionState, rotatedBy: 'refresh' | 'profile', now: number): SessionState => ({
  ...state,
  gen: state.gen + 1,
  rotatedBy,
  rotatedAt: now,
})

/** What whoever uses tokens in this order is told, and what was true when it was. */
function play(all: readonly Step[]) {
  let state = fresh
  let now = NOW
  return all.flatMap((step) => {
    if (step.step === 'pass') now += step.ms
    if (step.step === 'rename' && state.endedAt === undefined) state = next(state, 'profile', now)
    if (step.step !== 'use') return []
    const before = state
    const gen = Math.max(1, state.gen - step.back)
    const decision = decideRotation(state, gen, now, REPLAY_SECONDS)
    if (decision === 'rotated') state = next(state, 'refresh', now)
    if (decision === 'reused') state = { ...state, endedAt: now }
    return [{ before, gen, now, decision }]
  })
}

t.test('of a session only the newest token makes a successor', async (t) => {
  fc.assert(
    fc.property(steps, (all) =>
      play(all).every(({ decision, gen, before }) => (decision === 'rotated') === isNewest(before, gen)),
    ),
  )
  t.pass()
})

t.test(
  'the token before gives the same successor for ten seconds, or until one after a new name',
  async (t) => {
    fc.assert(
      fc.property(steps, (all) =>
        play(all)
          .filter(({ decision }) => decision === 'replayed')
          .every(
            ({ gen, before, now }) =>
              gen === before.gen - 1 &&
              (before.rotatedBy === 'profile' || now - (before.rotatedAt ?? 0) <= REPLAY_SECONDS * 1000),
          ),
      ),
    )
    t.pass()
  },
)

t.test('after a token was used again too late, no token of the session is good', async (t) => {
  fc.assert(
    fc.property(steps, (all) => {
      const decisions = play(all).map(({ decision }) => decision)
      const reused = decisions.indexOf('reused')
      return reused === -1 || decisions.slice(reused + 1).every((decision) => decision === 'unknown')
    }),
  )
  t.pass()
})

t.test(
  'the database rotates a session where the decision is to rotate it, and changes none else',
  async (t) => {
    const auth = await startAuth(t)
    const users = { active: await auth.newUser(), disabled: await auth.newUser() }
    const { db, keyring } = auth.app
    const lost = { kid: 'given up', sealed: Buffer.of(), sealed_by: '', state: 'compromised' } as const
    await db.insertInto('refresh_keys').values(lost).execute()
    await db.updateTable('users').set({ status: 'disabled' }).where('id', '=', users.disabled.id).execute()
    const near = fc.constantFrom(-1000, 0, 1000, 60_000, 60_001, 60_002).map((ms) => NOW + ms)
    const states = fc.record({
      gen: fc.integer({ min: 1, max: 3 }),
      expiresAt: near,
      endsAt: near,
      endedAt: fc.oneof({ arbitrary: fc.constant(undefined), weight: 3 }, near),
      rotatedBy: fc.constantFrom('refresh' as const, 'profile' as const, undefined),
      rotatedAt: near,
      ahead: fc.constantFrom(-1, 0, 0, 0, 0, 1),
      status: fc.oneof(
        { arbitrary: fc.constant('active' as const), weight: 4 },
        fc.constant('disabled' as const),
      ),
      isOwner: fc.oneof({ arbitrary: fc.constant(true), weight: 4 }, fc.constant(false)),
      kid: fc.oneof(
        { arbitrary: fc.constant(keyring.activeRefreshKey.kid), weight: 4 },
        fc.constantFrom(lost.kid, 'never made'),
      ),
    })
    const seen = { rotated: 0, left: 0 }
    await fc.assert(
      fc.asyncProperty(states, async ({ ahead, status, isOwner, kid, ...state }) => {
        const token = state.gen + ahead
        const row = {
          id: randomUUID(),
          user_id: users[status].id,
          gen: state.gen,
          refresh_kid: 'a key',
          issued_at: new Date(NOW),
          expires_at: new Date(state.expiresAt),
          ends_at: new Date(state.endsAt),
          ended_at: state.endedAt === undefined ? null : new Date(state.endedAt),
          rotated_by: state.rotatedBy ?? null,
          rotated_at: new Date(state.rotatedAt),
        }
        const written = await db.insertInto('sessions').values(row).returningAll().executeTakeFirstOrThrow()
        const rotated = await rotateSession.first(db, {
          id: row.id,
          userId: isOwner ? row.user_id : randomUUID(),
          kid,
          from: token,
          gen: token + 1,
          refresh_kid: 'another key',
          issued_at: new Date(NOW),
          expires_at: new Date(NOW + 30_000),
          rotated_at: new Date(NOW),
          ip: null,
          user_agent: null,
        })
        const decision = decideRotation(state, token, NOW, REPLAY_SECONDS)
        const isKept = kid === keyring.activeRefreshKey.kid
        const isDue = decision === 'rotated' && status === 'active' && isOwner && isKept
        seen[isDue ? 'rotated' : 'left']++
        if (isDue !== (rotated !== undefined)) throw new Error(`${decision}, but ${JSON.stringify(rotated)}`)
        const after = await db.selectFrom('sessions').selectAll().where('id', '=', row.id).executeTakeFirst()
        if (!isDue && JSON.stringify(after) !== JSON.stringify(written)) throw new Error('it was changed')
        if (isDue && after?.expires_at.getTime() !== Math.min(NOW + 30_000, state.endsAt))
          throw new Error('it outlives the end of its session')
      }),
      { numRuns: 300 },
    )
    t.comment(seen)
    t.ok(seen.rotated > 5 && seen.left > 5, 'both were seen')
  },
)
