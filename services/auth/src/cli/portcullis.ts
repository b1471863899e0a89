#!/usr/bin/env node
import { Command } from 'commander'
import { main } from '@portcullis/service-kit'
import { clientsCommand } from './clients.ts'
import { createAdminCommand } from './create-admin.ts'
import { keysCommand } from './keys.ts'
import { migrateCommand } from './migrate.ts'
import { provisionCommand } from './provision.ts'
import { revokeAllCommand } from './revoke-all.ts'

const program = new Command('portcullis')
  .description('Administers Portcullis: its database, users, clients and keys')
  .addHelpText(
    'after',
    '\nSettings come from the environment, as for the services; DATABASE_URL names the database of auth.',
  )
  .showHelpAfterError()
  .addCommand(provisionCommand())
  .addCommand(migrateCommand())
  .addCommand(createAdminCommand())
  .addCommand(clientsCommand())
  .addCommand(keysCommand())
  .addCommand(revokeAllCommand())

await main(() => program.parseAsync())
