import { main, serve } from '@portcullis/service-kit'
import { build } from './app.ts'
import { readConfig } from './config.ts'

await main(async () => {
  const config = readConfig()
  await serve(build(config), { host: config.HOST, port: config.PORT, drainSeconds: config.DRAIN_SECONDS })
})
