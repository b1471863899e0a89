// Runs before anything is installed and on old Node versions: no dependency, no TypeScript.

/**
 * Shows that work goes on: a moving line on a terminal, else a line every five seconds.
 *
 * @template T
 * @param {string} text what is being done
 * @param {() => Promise<T>} work
 * @returns {Promise<T>} what `work` gives
 */
async function busy(text, work) {
  const { stdout } = process
  const started = Date.now()
  const line = () => `${text} … ${Math.round((Date.now() - started) / 1000)} s`
  const show = () => stdout.write(stdout.isTTY ? `\r${line()}` : `${line()}\n`)
  stdout.write(stdout.isTTY ? `${text} …` : `${text} …\n`)
  const timer = setInterval(show, stdout.isTTY ? 1000 : 5000)
  try {
    return await work()
  } finally {
    clearInterval(timer)
    if (stdout.isTTY) stdout.write(`\r${line()}\n`)
  }
}

module.exports = { busy }
