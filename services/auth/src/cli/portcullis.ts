#!/usr/bin/env node
import { stderr, stdin, stdout } from 'node:process'
import { main } from '@portcullis/service-kit'
import { runProgram } from './program.ts'

stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever reads the answer may have had enough of it, as `head` has.
  if (error.code === 'EPIPE') process.exit(0)
  stderr.write(`error: the answer could not be written: ${error.message}\n`)
  process.exit(1)
})

await main(async () => {
  process.exitCode = await runProgram(process.argv.slice(2), { stdin, stdout, stderr, signals: process })
})
