import type { Command } from 'commander'
import { commandConfigs } from '../config.ts'
import { revokeAll } from '../revocation/revoke-all.ts'
import { awaitVerifiers } from './await-verifiers.ts'
import type { Context } from './context.ts'
import { keyMakerOf, refuseOtherAlgorithm } from './keys.ts'
import { withStores } from './stores.ts'

export function addRevokeAllCommand(program: Command, context: Context): void {
  program
    .command('revoke-all')
    .description('End every session, give up every key and begin a new epoch: no token of before is good')
    .action(async () => {
      const config = context.config(commandConfigs.keys)
      await withStores(
        config,
        async (stores) => {
          const maker = keyMakerOf(config)
          await refuseOtherAlgorithm(stores.db, maker.algorithm)
          const { sessions, receipt } = await revokeAll(stores, maker)
          const settled = await awaitVerifiers(context, stores, config, receipt)
          await context.out.document({ sessions, ...settled })
        },
        { isPatient: true },
      )
    })
}
