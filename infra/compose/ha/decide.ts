import { Type, type Static } from 'typebox'

/** The two servers of PostgreSQL, by the names under which the network knows them. */
export const MEMBERS = ['postgres', 'postgres-2'] as const
export type Member = (typeof MEMBERS)[number]

/** What must outlive a restart. It is written down before anything is done that follows from it. */
export const StandingSchema = Type.Object({
  leader: Type.Enum(MEMBERS),
  /** Counts the promotions. */
  term: Type.Integer({ minimum: 1 }),
  /** Whether the other server has everything that was ever acknowledged. */
  otherHasAll: Type.Boolean(),
})
export type Standing = Static<typeof StandingSchema>

/** What a server that answers says of itself. */
export interface Answer {
  readonly inRecovery: boolean
  /** Whether its commits wait for the other server. */
  readonly waits: boolean
  /** Whether the other server follows it and counts as the one that commits wait for. */
  readonly follower: 'none' | 'streaming' | 'synchronous'
  /** Whether the follower has on disk what this one had when it was last asked. */
  readonly followerCaughtUp: boolean
}

export interface Situation {
  readonly standing: Standing
  readonly leader: Answer | undefined
  /** Asked only while the leader does not answer. */
  readonly other: Answer | undefined
  /** How long the leader has not answered, and how long nobody has followed it. */
  readonly leaderAwayMs: number
  readonly followerAwayMs: number
}

/** How long a server may be silent before the other one does without it. */
export const PATIENCE_MS = 3000

export type Decision =
  | { readonly do: 'nothing' }
  /** The leader is told that it leads, again if it has not heard. */
  | { readonly do: 'promote' }
  /** Another leads from now on. Nobody may reach the old one any more. */
  | { readonly do: 'change leader'; readonly standing: Standing }
  | { readonly do: 'wait for follower' }
  /** Commits wait for nobody: what they write is on one server alone, which nothing may replace. */
  | { readonly do: 'go alone'; readonly standing: Standing }
  | { readonly do: 'trust follower'; readonly standing: Standing }

/**
 * What to do next. Two rules keep every acknowledged write: a server is promoted only while `otherHasAll` is
 * written down, and commits stop waiting for the follower only after it has been struck out.
 */
export function decide({ standing, leader, other, leaderAwayMs, followerAwayMs }: Situation): Decision {
  if (leader === undefined) {
    const may = standing.otherHasAll && leaderAwayMs > PATIENCE_MS && other?.inRecovery === true
    if (!may) return { do: 'nothing' }
    return {
      do: 'change leader',
      standing: { leader: otherThan(standing.leader), term: standing.term + 1, otherHasAll: false },
    }
  }
  if (leader.inRecovery) return { do: 'promote' }
  if (leader.follower === 'none') {
    if (!leader.waits && !standing.otherHasAll) return { do: 'nothing' }
    if (followerAwayMs <= PATIENCE_MS) return { do: 'nothing' }
    return { do: 'go alone', standing: { ...standing, otherHasAll: false } }
  }
  if (!leader.waits) return { do: 'wait for follower' }
  if (!standing.otherHasAll && leader.follower === 'synchronous' && leader.followerCaughtUp)
    return { do: 'trust follower', standing: { ...standing, otherHasAll: true } }
  return { do: 'nothing' }
}

export function otherThan(member: Member): Member {
  return member === MEMBERS[0] ? MEMBERS[1] : MEMBERS[0]
}
