import t from 'tap'
import { decide, PATIENCE_MS, type Answer, type Situation, type Standing } from '../compose/ha/decide.ts'

const standing: Standing = { leader: 'postgres', term: 3, otherHasAll: true }
const leader: Answer = { inRecovery: false, waits: true, follower: 'synchronous', followerCaughtUp: true }
const standby: Answer = { inRecovery: true, waits: false, follower: 'none', followerCaughtUp: false }
const calm: Situation = { standing, leader, other: standby, leaderAwayMs: 0, followerAwayMs: 0 }
const LONG = PATIENCE_MS + 1

t.test('a pair that is well is left alone', async (t) => {
  t.same(decide(calm), { do: 'nothing' })
})

t.test(
  'the other leads once the leader has been silent for long enough, and nobody else has all',
  async (t) => {
    const silent = { ...calm, leader: undefined }
    t.same(decide({ ...silent, leaderAwayMs: PATIENCE_MS }), { do: 'nothing' })
    t.same(decide({ ...silent, leaderAwayMs: LONG }), {
      do: 'change leader',
      standing: { leader: 'postgres-2', term: 4, otherHasAll: false },
    })
  },
)

t.test(
  'a server that may lack what was acknowledged never leads, however long the leader is away',
  async (t) => {
    const alone = { ...standing, otherHasAll: false }
    t.same(decide({ ...calm, standing: alone, leader: undefined, leaderAwayMs: 1e9 }), { do: 'nothing' })
  },
)

t.test('a server that is away, or that follows nobody, never leads', async (t) => {
  const silent = { ...calm, leader: undefined, leaderAwayMs: LONG }
  t.same(decide({ ...silent, other: undefined }), { do: 'nothing' })
  t.same(decide({ ...silent, other: { ...standby, inRecovery: false } }), { do: 'nothing' })
})

t.test('one that is to lead is told so until it does', async (t) => {
  t.same(decide({ ...calm, leader: standby, other: undefined }), { do: 'promote' })
})

t.test('commits stop waiting for a follower that is gone, which from then on may not lead', async (t) => {
  const without = { ...calm, leader: { ...leader, follower: 'none' as const }, other: undefined }
  t.same(decide({ ...without, followerAwayMs: PATIENCE_MS }), { do: 'nothing' })
  t.same(decide({ ...without, followerAwayMs: LONG }), {
    do: 'go alone',
    standing: { ...standing, otherHasAll: false },
  })
})

t.test('a follower may lead only after commits wait for it and it has what was written before', async (t) => {
  const alone = { ...calm, standing: { ...standing, otherHasAll: false } }
  const joined: Answer = { ...leader, waits: false, follower: 'streaming', followerCaughtUp: false }
  t.same(decide({ ...alone, leader: joined }), { do: 'wait for follower' })
  t.same(decide({ ...alone, leader: { ...joined, waits: true } }), { do: 'nothing' })
  t.same(decide({ ...alone, leader: { ...leader, followerCaughtUp: false } }), { do: 'nothing' })
  t.same(decide(alone), { do: 'trust follower', standing })
})
