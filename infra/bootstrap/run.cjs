const { spawn } = require('node:child_process')

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

/**
 * Starts a program that `stopAll` reaches for as long as it runs.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @returns {import('node:child_process').ChildProcess}
 */
function start(command, args, options) {
  const child = spawn(command, args, options)
  running.add(child)
  child.on('close', () => running.delete(child))
  return child
}

/**
 * Passes a signal on to the program in front. What works unseen is killed: npm would first finish what it unpacks.
 *
 * @param {NodeJS.Signals} signal
 */
function stopAll(signal) {
  for (const child of running) child.kill(child.stdout === null ? signal : 'SIGKILL')
}

/**
 * Runs a program to its end, with nothing on the screen.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<{ code: number, stdout: string, stderr: string }>} code 127 if it could not be started
 */
function run(command, args, options = {}) {
  return new Promise((resolve) => {
    let stdout = ''
    let stderr = ''
    const child = start(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout?.on('data', (chunk) => (stdout += chunk))
    child.stderr?.on('data', (chunk) => (stderr += chunk))
    child.on('error', (error) => resolve({ code: 127, stdout, stderr: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }))
  })
}

/**
 * Runs a program to its end on our own screen and keyboard.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @returns {Promise<number>} its exit code, 1 if a signal ended it
 */
function runInFront(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = start(command, args, { ...options, stdio: 'inherit' })
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

/**
 * @param {string} text
 * @param {number} lines
 * @returns {string} the last lines that are not empty
 */
function tail(text, lines) {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-lines)
    .join('\n')
}

module.exports = { run, runInFront, stopAll, tail }
