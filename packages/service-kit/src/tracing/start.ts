import { Type } from 'typebox'
import { ConfigError, loadConfig } from '../config/load.ts'
import { tracingSettings } from './settings.ts'

/** Traces of this process. */
export interface Tracing {
  /** Sends what is not sent yet; to be called last of all. */
  stop(): Promise<void>
}

const OFF: Tracing = { stop: async () => undefined }

/**
 * Begins to trace if `OTEL_EXPORTER_OTLP_ENDPOINT` is set; otherwise nothing of OpenTelemetry is loaded. To be called
 * before the service is imported, because libraries are instrumented when they are loaded.
 *
 * @param service name of the service, unless OpenTelemetry's own `OTEL_SERVICE_NAME` says another one
 * @param env settings that are wrong are left for the service to name
 */
export async function startTracing(service: string, env: NodeJS.ProcessEnv = process.env): Promise<Tracing> {
  const settings = readSettings(env)
  if (settings?.OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return OFF
  // By its public name, which stays outside where a service is joined into one file.
  const { startSdk } = await import('@portcullis/service-kit/tracing-sdk')
  return startSdk({
    service,
    endpoint: settings.OTEL_EXPORTER_OTLP_ENDPOINT,
    ratio: settings.OTEL_TRACES_SAMPLER_ARG,
  })
}

function readSettings(env: NodeJS.ProcessEnv) {
  try {
    return loadConfig(Type.Object(tracingSettings), env)
  } catch (error) {
    if (error instanceof ConfigError) return undefined
    throw error
  }
}
