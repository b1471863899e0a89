import { setTimeout as sleep } from 'node:timers/promises'
import { Type } from 'typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { createApp, createPool, loadConfig, main, serve } from '@portcullis/service-kit'

/** A service to be started as a process; prints its address when it listens. */
const Settings = Type.Object({
  HOST: Type.String({ default: '127.0.0.1' }),
  METRICS_HOST: Type.String({ default: '127.0.0.1' }),
  PORT: Type.Integer({ default: 0 }),
  METRICS_PORT: Type.Integer({ default: 0 }),
  DRAIN_SECONDS: Type.Number({ minimum: 0, default: 0 }),
  DATABASE_URL: Type.Optional(Type.String({ format: 'postgres-url' })),
})

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const started = Promise.withResolvers<void>()
  app.get('/slow', { schema: { querystring: Type.Object({ ms: Type.Integer() }) } }, async (request) => {
    started.resolve()
    await sleep(request.query.ms)
    return { slow: true }
  })
  app.get('/started', async () => {
    await started.promise
    return {}
  })
  app.get('/crash', async () => {
    setImmediate(() => {
      throw new Error('nobody caught this')
    })
    return {}
  })
}

await main(async () => {
  const config = loadConfig(Settings, process.env)
  if (config.DATABASE_URL !== undefined)
    await createPool({ url: config.DATABASE_URL, name: 'test' }).connect()
  const metrics = { host: config.METRICS_HOST, port: config.METRICS_PORT }
  const app = createApp({ name: 'test', title: 'Test', version: '1', issuer: 'http://localhost', metrics })
  app.register(routes)
  const url = await serve(app, {
    host: config.HOST,
    port: config.PORT,
    metricsHost: config.METRICS_HOST,
    drainSeconds: config.DRAIN_SECONDS,
  })
  process.stdout.write(`${url}\n`)
})
