import { env, exit } from 'node:process'

// Whether the service in this container is ready; exit code 0 if it is.
try {
  const response = await fetch(`http://127.0.0.1:${env['PORT']}/health/ready`, {
    signal: AbortSignal.timeout(2000),
  })
  if (!response.ok) console.error(await response.text())
  exit(response.ok ? 0 : 1)
} catch (error) {
  console.error(String(error instanceof Error && error.cause ? error.cause : error))
  exit(1)
}
