import { Type } from 'typebox'

/** Settings of traces, under the names that OpenTelemetry gives them. */
export const tracingSettings = {
  /** Where traces are sent, as OTLP over HTTP, without `/v1/traces`. */
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(Type.String({ format: 'collector-url' })),
  /** Which part of the requests is traced that come without a trace of their own. */
  OTEL_TRACES_SAMPLER_ARG: Type.Number({ minimum: 0, maximum: 1, default: 1 }),
}
