#!/usr/bin/env node
import { stderr, stdin, stdout } from 'node:process'
import { main } from '@portcullis/service-kit'
import { runProgram } from './program.ts'

// Whoever reads the answer may have had enough of it, as `head` has.
stdout.on('error', () => process.exit(0))

await main(async () => {
  process.exitCode = await runProgram(process.argv.slice(2), { stdin, stdout, stderr, signals: process })
})
