#!/usr/bin/env node
import { Command } from 'commander'
import { main } from '@portcullis/service-kit'
import { clientsCommand } from './clients.ts'
import { createAdminCommand } from './create-admin.ts'
import { migrateCommand } from './migrate.ts'
import { provisionCommand } from './provision.ts'

const program = new Command('portcullis')
  .description('Administers Portcullis: its database, users and clients')
  .addHelpText(
    'after',
    '\nSettings come from the environment, as for the services; DATABASE_URL names the database of auth.',
  )
  .showHelpAfterError()
  .addCommand(provisionCommand())
  .addCommand(migrateCommand())
  .addCommand(createAdminCommand())
  .addCommand(clientsCommand())

await main(() => program.parseAsync())
