// What packages and services depend on, joined into a few files, which every command loads.

const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { pathToFileURL } = require('node:url')
const { busy } = require('./screen.cjs')
const { run, tail } = require('./run.cjs')

const root = path.resolve(__dirname, '../..')
const program = path.join(root, 'infra/dev/join.ts')

/** @typedef {{ folder: string, hook: string, isMade: boolean }} Joined */

/** @returns {Joined} where they are for what is installed now, and the URL of the module that makes a process load them */
function joinedPackages() {
  const hash = crypto.createHash('sha256').update(root)
  for (const file of ['pnpm-lock.yaml', 'infra/dev/join.ts', 'infra/build/services.ts'])
    hash.update(fs.readFileSync(path.join(root, file)))
  const folder = path.join(root, '.portcullis/joined', hash.digest('hex').slice(0, 16))
  const hook = path.join(folder, 'hook.mjs')
  return { folder, hook: pathToFileURL(hook).href, isMade: fs.existsSync(hook) }
}

/**
 * @param {string} folder
 * @param {string} node
 * @param {NodeJS.ProcessEnv} env
 * @throws Error with the reason in plain words
 */
async function joinPackages(folder, node, env) {
  const { code, stderr } = await busy('Joining packages into few files (once)', () =>
    run(node, [program, folder], { cwd: root, env }),
  )
  if (code !== 0) throw new Error(`Packages could not be joined:\n${tail(stderr, 8)}`)
}

module.exports = { joinedPackages, joinPackages, program }
