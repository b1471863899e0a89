import fp from 'fastify-plugin'
import { deleteOldAnswers } from '@portcullis/service-kit'

const INTERVAL_MS = 10 * 60 * 1000
const BATCH_SIZE = 1000

/** Forgets old answers to repeated requests. Instances do not disturb each other: what one has in hand others skip. */
export default fp(
  async (app) => {
    const run = async () => {
      try {
        while ((await deleteOldAnswers(app.db, BATCH_SIZE)) === BATCH_SIZE) continue
      } catch (error) {
        app.log.warn({ err: error }, 'housekeeping failed; it is tried again later')
      }
    }
    let running = Promise.resolve()
    const runNext = () => {
      running = running.then(run)
    }
    app.addHook('onReady', async () => runNext())
    const timer = setInterval(runNext, INTERVAL_MS).unref()
    app.addHook('preClose', async () => {
      clearInterval(timer)
      await running
    })
  },
  { name: 'housekeeping', fastify: '5.x', dependencies: ['database'] },
)
