// The door to every command: `node infra/bootstrap.cjs <command> [arguments]`.
//
// Runs on whatever Node there is (20 and later), with nothing installed. Brings the Node and the pnpm that the project
// is made for, installs the dependencies when they are missing or old, and hands over to the command itself.

const fs = require('node:fs')
const path = require('node:path')
const { joinedPackages, joinPackages } = require('./bootstrap/joined.cjs')
const { run, runInFront, stopAll } = require('./bootstrap/run.cjs')
const { findTools } = require('./bootstrap/tools.cjs')

const root = path.resolve(__dirname, '..')
const home = path.join(root, '.portcullis')

/** @type {Record<string, string>} */
const COMMANDS = {
  start: 'infra/dev/start.ts',
  walk: 'infra/dev/walk.ts',
  test: 'infra/dev/test.ts',
  check: 'infra/check.ts',
  build: 'infra/build/run.ts',
  bench: 'infra/bench/run.ts',
  'test:full': 'infra/full/run.ts',
  compose: 'infra/compose/run.ts',
  resilience: 'infra/resilience/run.ts',
  chaos: 'infra/chaos/run.ts',
  soak: 'infra/soak/run.ts',
  gateways: 'infra/gateways/run.ts',
  openapi: 'infra/openapi/run.ts',
  browser: 'infra/browser/run.ts',
  postman: 'infra/postman/run.ts',
  portcullis: 'infra/dev/portcullis.ts',
  pack: 'infra/packages/run.ts',
}

/** Passes every signal on, and ends what we started when whoever started us is gone. */
function followParent() {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => stop(signal))
  }
  // npm that is killed tells nobody; we are then orphans, or the shell is through which npm has started us.
  const parent = process.ppid
  const npm = parentOfShell(parent)
  setInterval(() => {
    if (process.ppid !== parent || parentOfShell(parent) !== npm) stop('SIGTERM')
  }, 200).unref()
}

/**
 * @param {number} pid
 * @returns {string | undefined} the parent of a shell that runs this very program, where the system tells it
 */
function parentOfShell(pid) {
  try {
    if (!fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('bootstrap.cjs')) return undefined
    // The name of the program, in parentheses, may hold spaces and parentheses itself.
    return fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1]
  } catch {
    return undefined
  }
}

let stopping = false

/** @param {NodeJS.Signals} signal */
function stop(signal) {
  stopping = true
  stopAll(signal)
}

/**
 * @param {string} script
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
async function main(script, args) {
  followParent()
  fs.mkdirSync(home, { recursive: true, mode: 0o700 })
  const tools = await findTools(home)
  const folders = [...new Set([path.dirname(tools.node), path.dirname(tools.pnpm)])]
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, PATH: [...folders, process.env.PATH].join(path.delimiter) }
  if (tools.libraries)
    env.LD_LIBRARY_PATH = [tools.libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':')
  // Node 22 says at every start that running TypeScript is experimental.
  env.NODE_OPTIONS = [process.env.NODE_OPTIONS, '--disable-warning=ExperimentalWarning']
    .filter(Boolean)
    .join(' ')
  env.NODE_COMPILE_CACHE ??= path.join(home, 'compiled')

  // pnpm compares the installation with the manifests; `exec` would install by itself, but out of reach of signals.
  const check = ['--config.verifyDepsBeforeRun=error', 'exec', 'true']
  const { code } = await run(tools.pnpm, check, { cwd: root, env })
  const installed = code === 0 ? 0 : await runInFront(tools.pnpm, ['install'], { cwd: root, env })
  if (installed !== 0 || stopping) return installed || 1
  const { folder, hook, isMade } = joinedPackages()
  // `npm start` joins them while it starts, for the next time.
  const isNeeded = script !== COMMANDS.start
  if (isNeeded && !isMade) await joinPackages(folder, tools.node, env)
  if (stopping) return 1
  if (isNeeded || isMade) env.NODE_OPTIONS += ` --import=${hook}`
  return runInFront(tools.node, ['--conditions=@portcullis/source', path.join(root, script), ...args], {
    env,
  })
}

/** @param {unknown} error */
function fail(error) {
  // What was ended in the middle has no fault to tell of.
  if (!stopping) console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

const [command = '', ...args] = process.argv.slice(2)
const script = COMMANDS[command]
if (script) main(script, args).then((code) => process.exit(code), fail)
else fail(`usage: node infra/bootstrap.cjs ${Object.keys(COMMANDS).join('|')} [arguments]`)
