import { main, serve } from '@portcullis/service-kit'
import { build } from './app.ts'
import { readConfig } from './config.ts'

await main(async () => {
  const config = readConfig()
  const app = build(config, { logger: { level: config.LOG_LEVEL } })
  await serve(app, { host: config.HOST, port: config.PORT, drainSeconds: config.DRAIN_SECONDS })
})
