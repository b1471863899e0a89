import type { Pace } from './compare.ts'
import type { Row } from './report.ts'
import { deepPages } from './scenarios/deep-pages.ts'
import { footprint } from './scenarios/footprint.ts'
import { connectionGrowth, postGrowth, sessionGrowth } from './scenarios/growth.ts'
import { loginSpeed, readsDuringLogins } from './scenarios/login-speed.ts'
import { loginFlood, loginTiming } from './scenarios/logins.ts'
import { refresh } from './scenarios/refresh.ts'
import { replicaGrowth } from './scenarios/replica.ts'
import { revocationRate } from './scenarios/revocation-rate.ts'
import { revocationLag, verifierGrowth } from './scenarios/revocations.ts'
import { createTask, newestPosts, newestTasks, taskById } from './scenarios/routes.ts'
import { tokenCheck } from './scenarios/token-check.ts'
import { CHEAP_HASHING, type Stage, type StageOptions } from './stage.ts'

/**
 * Ratios are of servers that have one processor each; what the machine bears is asked of all of them. A stage of
 * its own for what would leave others a database full of rows.
 */
export const stages = {
  one: { on: 'one' },
  all: { on: 'all' },
  sessions: { on: 'all', settings: CHEAP_HASHING },
  posts: { on: 'one' },
  deepPages: { on: 'one' },
} as const satisfies Record<string, StageOptions>
export type StageName = keyof typeof stages

export type Scenario = {
  /** Part of `--quick`. */
  readonly isQuick?: boolean
} & (
  | { readonly on: StageName; readonly run: (stage: Stage, pace: Pace) => Promise<Row[]> }
  /** In this process, without services. */
  | { readonly on: 'none'; readonly run: (pace: Pace) => Promise<Row[]> }
)

export const scenarios: Readonly<Record<string, Scenario>> = {
  'token-check': { run: tokenCheck, on: 'none', isQuick: true },
  replica: { run: replicaGrowth, on: 'none', isQuick: true },
  'task-by-id': { run: taskById, on: 'one', isQuick: true },
  'newest-tasks': { run: newestTasks, on: 'one' },
  'newest-posts': { run: newestPosts, on: 'one', isQuick: true },
  'create-task': { run: createTask, on: 'one', isQuick: true },
  refresh: { run: refresh, on: 'one', isQuick: true },
  footprint: { run: footprint, on: 'one' },
  'growth-connections': { run: connectionGrowth, on: 'one' },
  'login-speed': { run: loginSpeed, on: 'all' },
  'reads-during-logins': { run: readsDuringLogins, on: 'all' },
  'login-timing': { run: loginTiming, on: 'all' },
  'login-flood': { run: loginFlood, on: 'all' },
  'revocation-lag': { run: revocationLag, on: 'sessions' },
  'growth-verifiers': { run: verifierGrowth, on: 'sessions' },
  'growth-sessions': { run: sessionGrowth, on: 'sessions' },
  // Last, because it leaves a long log.
  'revocation-rate': { run: revocationRate, on: 'sessions' },
  'growth-posts': { run: postGrowth, on: 'posts' },
  'deep-pages': { run: deepPages, on: 'deepPages' },
}
