import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import argon2 from 'argon2'

/** Verifications a second of argon2id as the services set it, in as many threads as there are processors. */
spawnSync('taskset', ['-acp', `0-${cpus().length - 1}`, String(process.pid)])
const seconds = Number(process.argv[2])
const hash = await argon2.hash('a password', { memoryCost: 19_456, timeCost: 2, parallelism: 1 })
const began = performance.now()
let done = 0
const work = async () => {
  while (performance.now() - began < seconds * 1000) {
    await argon2.verify(hash, 'a password')
    done += 1
  }
}
await Promise.all(Array.from({ length: cpus().length }, work))
console.log((done * 1000) / (performance.now() - began))
