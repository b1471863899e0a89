// Whether the service in this container is ready; exit code 0 if it is.
try {
  const response = await fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`, {
    signal: AbortSignal.timeout(2000),
  })
  if (!response.ok) console.error(await response.text())
  process.exitCode = response.ok ? 0 : 1
} catch (error) {
  console.error(String(error.cause ?? error))
  process.exitCode = 1
}
