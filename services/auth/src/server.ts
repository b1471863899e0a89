import { availableParallelism } from 'node:os'
import { startTracing } from '@portcullis/service-kit/tracing'

// Each hash of a password keeps a thread of libuv's pool, which makes four, whatever the number of cores, unless it is
// told before the first one works. The rest are for whatever else waits for the system, such as names of hosts.
process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(4, availableParallelism() + 2))
const tracing = await startTracing('auth')
// Only now, because libraries are instrumented when they are loaded.
const { listen } = await import('./listen.ts')
await listen(tracing)
