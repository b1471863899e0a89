import { gatheredOutput } from '../../src/http/logger.ts'

/** A process that writes so many lines, and then ends as it is told, or lives on. */
const [count, end] = process.argv.slice(2)
const output = gatheredOutput()
for (let line = 0; line < Number(count); line++) output.write(`line ${line}\n`)
if (end === 'exit') process.exit(0)
if (end === 'throw') throw new Error('nobody catches this')
if (end === 'live') setInterval(() => undefined, 1000)
