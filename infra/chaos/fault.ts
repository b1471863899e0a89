import type { Stage } from './stage.ts'
import type { Finding } from './tally.ts'

/** How much of everything: once and quickly, or as often as it takes to find what is rare. */
export type Size = 'quick' | 'full'

export interface Fault {
  readonly name: string
  /** Takes servers of its own, and too long to be injected quickly. */
  readonly isLarge?: boolean
  inject(stage: Stage, size: Size): Promise<Finding>
}
