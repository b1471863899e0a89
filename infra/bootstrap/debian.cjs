// Programs and libraries from Debian's (or Ubuntu's) own archive, unpacked into a folder: no root, nothing installed.

const fs = require('node:fs')
const path = require('node:path')
const { run, tail } = require('./run.cjs')

/** @returns {boolean} whether this system has apt and dpkg */
function hasApt() {
  const folders = (process.env.PATH ?? '').split(path.delimiter)
  const has = (/** @type {string} */ name) => folders.some((folder) => fs.existsSync(path.join(folder, name)))
  return has('apt-get') && has('apt-cache') && has('dpkg')
}

/**
 * Downloads packages and whatever they need that is not installed, and unpacks all of it.
 *
 * @param {string[]} names package names, such as `redis-server`
 * @param {string} folder absolute; made if need be, and complete if this function has returned
 * @throws Error with the reason in plain words
 */
async function unpackDebianPackages(names, folder) {
  const work = `${folder}.part`
  fs.rmSync(work, { recursive: true, force: true })
  fs.mkdirSync(path.join(work, 'debs'), { recursive: true })
  try {
    // A private set of lists serves where the system has none, or where they have become too old.
    await download(names, path.join(work, 'debs'), []).catch(async () => {
      const options = await privateLists(path.join(work, 'apt'))
      await download(names, path.join(work, 'debs'), options)
    })
    for (const deb of fs.readdirSync(path.join(work, 'debs'))) {
      await must('dpkg', ['-x', path.join(work, 'debs', deb), path.join(work, 'root')])
    }
    fs.rmSync(folder, { recursive: true, force: true })
    fs.renameSync(path.join(work, 'root'), folder)
  } finally {
    fs.rmSync(work, { recursive: true, force: true })
  }
}

/**
 * @param {string} folder
 * @returns {Promise<string[]>} options that make apt use lists of its own, which have just been fetched
 */
async function privateLists(folder) {
  const lists = path.join(folder, 'lists')
  const cache = path.join(folder, 'cache')
  fs.mkdirSync(path.join(lists, 'partial'), { recursive: true })
  fs.mkdirSync(path.join(cache, 'archives', 'partial'), { recursive: true })
  const options = ['-o', `Dir::State::Lists=${lists}`, '-o', `Dir::Cache=${cache}`]
  // apt's own user could not read below a folder that is closed to others.
  options.push('-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Languages=none', '-o', 'Debug::NoLocking=1')
  await must('apt-get', [...options, 'update'])
  return options
}

/**
 * @param {string[]} names
 * @param {string} into
 * @param {string[]} options
 */
async function download(names, into, options) {
  const plan = await must('apt-get', [
    ...options,
    '--simulate',
    '--no-install-recommends',
    'install',
    ...names,
  ])
  const missing = [...plan.matchAll(/^Inst ([a-z0-9][^\s:]*)/gm)].map((match) => match[1] ?? '')
  await must('apt-get', [...options, 'download', ...new Set([...names, ...missing])], { cwd: into })
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<string>} what it wrote
 */
async function must(command, args, options = {}) {
  const result = await run(command, args, { ...options, env: { ...process.env, LC_ALL: 'C' } })
  if (result.code !== 0) throw new Error(`${command} failed: ${tail(result.stderr, 3)}`)
  return result.stdout
}

/**
 * @param {string} folder where a package was unpacked
 * @returns {string} its folders of shared libraries, for LD_LIBRARY_PATH
 */
function libraryPath(folder) {
  const found = []
  for (const lib of ['usr/lib', 'lib']) {
    const base = path.join(folder, lib)
    if (!fs.existsSync(base)) continue
    const names = fs.readdirSync(base, { withFileTypes: true })
    for (const entry of names) if (entry.name.includes('-linux-')) found.push(path.join(base, entry.name))
    found.push(base)
  }
  return found.join(':')
}

module.exports = { hasApt, unpackDebianPackages, libraryPath }
