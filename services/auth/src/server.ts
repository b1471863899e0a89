import { startTracing } from '@portcullis/service-kit/tracing'

const tracing = await startTracing('auth')
// Only now, because libraries are instrumented when they are loaded.
const { listen } = await import('./listen.ts')
await listen(tracing)
