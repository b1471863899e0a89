import { Command } from 'commander'
import { revokeAll } from '../revocation/revoke-all.ts'
import { awaitVerifiers } from './await-verifiers.ts'
import { withDatabase } from './database.ts'
import { keyMakerOf, readKeyConfig } from './keys.ts'

export function revokeAllCommand(): Command {
  return new Command('revoke-all')
    .description('End every session, give up every key and begin a new epoch: no token of before is good')
    .action(async () => {
      const config = readKeyConfig()
      await withDatabase(config, async (stores) => {
        const { sessions, receipt } = await revokeAll(stores, keyMakerOf(config))
        console.log(`sessions: ${sessions}`)
        await awaitVerifiers(stores, config, receipt)
      })
    })
}
