import type { Attributes } from '@opentelemetry/api'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'

type Exported = Parameters<SpanExporter['export']>

/**
 * What may be told of a span. Everything else stays here: an address may hold an email, a query a token, and an error
 * what somebody typed.
 */
const TOLD = new Set([
  'http.request.method',
  'http.response.status_code',
  'http.route',
  'server.address',
  'server.port',
  'db.system',
  'db.system.name',
  'db.name',
  'db.namespace',
  'db.operation',
  'db.operation.name',
  'db.statement',
  'db.query.text',
  'error.type',
  'net.peer.name',
  'net.peer.port',
])

/** Of a statement the values that stand in it: `'…'`, `$tag$…$tag$` and numbers. */
const LITERALS = /'(?:[^']|'')*'|\$([A-Za-z_]*)\$[^]*?\$\1\$|\b\d+\b/g
const STATEMENTS = new Set(['db.statement', 'db.query.text'])

/** Hands spans on without anything that somebody sent: no event, no message, and of the attributes those above. */
export class RedactingExporter implements SpanExporter {
  readonly #next: SpanExporter

  constructor(next: SpanExporter) {
    this.#next = next
  }

  export(spans: Exported[0], done: Exported[1]): void {
    this.#next.export(spans.map(redact), done)
  }

  async forceFlush(): Promise<void> {
    await this.#next.forceFlush?.()
  }

  async shutdown(): Promise<void> {
    await this.#next.shutdown()
  }
}

function redact(span: ReadableSpan): ReadableSpan {
  return {
    name: nameOf(span),
    kind: span.kind,
    spanContext: () => span.spanContext(),
    ...(span.parentSpanContext && { parentSpanContext: span.parentSpanContext }),
    startTime: span.startTime,
    endTime: span.endTime,
    duration: span.duration,
    ended: span.ended,
    status: { code: span.status.code },
    attributes: tellable(span.attributes),
    links: [],
    events: [],
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

/** The method and the route, and of what a request does elsewhere which sort it is. */
function nameOf({ name, attributes }: ReadableSpan): string {
  const { 'http.request.method': method, 'http.route': route } = attributes
  if (typeof method === 'string') return typeof route === 'string' ? `${method} ${route}` : method
  return /^[\w.:-]+(?: [\w.-]+)?$/.exec(name)?.[0] ?? 'span'
}

function tellable(attributes: Attributes): Attributes {
  const entries = Object.entries(attributes).filter(([name]) => TOLD.has(name))
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      STATEMENTS.has(name) && typeof value === 'string' ? value.replaceAll(LITERALS, '?') : value,
    ]),
  )
}
