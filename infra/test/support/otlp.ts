import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Teardown } from '@portcullis/test-kit'

/** A span as a collector of traces gets it. */
export interface ReceivedSpan {
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
}

export interface Receiver {
  readonly endpoint: string
  readonly spans: readonly ReceivedSpan[]
  /** Everything that was received, as it came. */
  readonly bytes: () => Buffer
}

/** Takes traces as OTLP over HTTP, in protobuf: what a collector does. */
export async function startReceiver(t: Teardown): Promise<Receiver> {
  const spans: ReceivedSpan[] = []
  const bodies: Buffer[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      bodies.push(body)
      const isOtlp =
        request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf'
      if (isOtlp) spans.push(...spansOf(body))
      response.writeHead(isOtlp ? 200 : 400).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { endpoint: `http://127.0.0.1:${port}`, spans, bytes: () => Buffer.concat(bodies) }
}

/** ExportTraceServiceRequest of opentelemetry-proto, as far as the tests look at it. */
function spansOf(body: Buffer): ReceivedSpan[] {
  return messages(body, 1).flatMap((resourceSpans) => {
    const resource = messages(resourceSpans, 1).map(attributesOf(1))
    const service = resource[0]?.['service.name'] ?? ''
    return messages(resourceSpans, 2)
      .flatMap((scopeSpans) => messages(scopeSpans, 2))
      .map((span) => {
        const hex = (field: number) => messages(span, field)[0]?.toString('hex') ?? ''
        return {
          service,
          traceId: hex(1),
          spanId: hex(2),
          parentSpanId: hex(4),
          name: messages(span, 5)[0]?.toString() ?? '',
          attributes: attributesOf(9)(span),
        }
      })
  })
}

/** Values that are strings; others by their bytes. */
const attributesOf = (field: number) => (message: Buffer) =>
  Object.fromEntries(
    messages(message, field).map((pair) => {
      const [key, value] = [messages(pair, 1)[0], messages(pair, 2)[0]]
      const text = value === undefined ? undefined : messages(value, 1)[0]
      return [key?.toString() ?? '', text?.toString() ?? value?.toString('hex') ?? '']
    }),
  )

/** Fields of this number that hold bytes (wire type 2 of protobuf). */
function messages(message: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < message.length;) {
    const tag = varint(message, at)
    at = tag.next
    const [field, wire] = [tag.value >>> 3, tag.value & 7]
    if (wire === 2) {
      const length = varint(message, at)
      const end = length.next + length.value
      if (field === wanted) found.push(message.subarray(length.next, end))
      at = end
    } else at = wire === 0 ? varint(message, at).next : at + (wire === 1 ? 8 : 4)
  }
  return found
}

function varint(message: Buffer, at: number): { value: number; next: number } {
  let [value, factor, next] = [0, 1, at]
  for (; ; next++) {
    const byte = message[next] ?? 0
    value += (byte & 0x7f) * factor
    factor *= 128
    if (byte < 0x80) return { value, next: next + 1 }
  }
}
