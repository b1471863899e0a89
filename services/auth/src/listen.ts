import { main, readableOutput, serve } from '@portcullis/service-kit'
import type { Tracing } from '@portcullis/service-kit/tracing'
import { build } from './app.ts'
import { readConfig } from './config.ts'

/** Listens, and closes when it is told to. */
export async function listen(tracing: Tracing): Promise<void> {
  await main(async () => {
    const config = readConfig()
    const output = process.stdout.isTTY ? { stream: await readableOutput() } : {}
    const app = build(config, { logger: { level: config.LOG_LEVEL, ...output } })
    app.addHook('onClose', () => tracing.stop())
    await serve(app, {
      host: config.HOST,
      port: config.PORT,
      metricsHost: config.METRICS_HOST,
      drainSeconds: config.DRAIN_SECONDS,
    })
  })
}
