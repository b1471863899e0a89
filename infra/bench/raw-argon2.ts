import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import * as nodeRs from '@node-rs/argon2'
import argon2 from 'argon2'

/**
 * Prints how many verifications a second an implementation of argon2id takes at the cost that the services ship with, in
 * as many threads as there are processors.
 *
 * Arguments: seconds, and `argon2` (the C code of its authors) or `@node-rs/argon2` (what auth has).
 */
// The load that started this is kept to one processor, and so would this be.
spawnSync('taskset', ['-acp', `0-${cpus().length - 1}`, String(process.pid)])
const seconds = Number(process.argv[2])
const hash = await argon2.hash('a password', { memoryCost: 19_456, timeCost: 2, parallelism: 1 })
const verify = process.argv[3] === 'argon2' ? argon2.verify : nodeRs.verify
const began = performance.now()
let done = 0
const work = async () => {
  while (performance.now() - began < seconds * 1000) {
    await verify(hash, 'a password')
    done += 1
  }
}
await Promise.all(Array.from({ length: cpus().length }, work))
console.log((done * 1000) / (performance.now() - began))
