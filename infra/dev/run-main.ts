import { onParentGone } from './processes.ts'
import { complain } from './screen.ts'
import { messageOf } from './stop-error.ts'

/** Runs a command to its exit code; what it started ends with it, also when it is interrupted. */
export async function runMain(main: () => Promise<number>): Promise<never> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
  onParentGone(() => process.exit(1))
  try {
    process.exit(await main())
  } catch (error) {
    complain('failed', messageOf(error))
    process.exit(1)
  }
}
