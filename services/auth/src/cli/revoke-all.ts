import { Command } from 'commander'
import { revokeAll } from '../revocation/revoke-all.ts'
import { awaitVerifiers } from './await-verifiers.ts'
import { withDatabase, type Stores } from './database.ts'
import { keyMakerOf, readKeyConfig } from './keys.ts'

export function revokeAllCommand(): Command {
  return new Command('revoke-all')
    .description('End every session, give up every key and begin a new epoch: no token of before is good')
    .action(async () => {
      const config = readKeyConfig()
      const work = async (stores: Stores) => {
        const { sessions, receipt } = await revokeAll(stores, keyMakerOf(config))
        console.log(`sessions: ${sessions}`)
        await awaitVerifiers(stores, config, receipt)
      }
      await withDatabase(config, work, { isPatient: true })
    })
}
