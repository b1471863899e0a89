import { connect, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { AbstractConnector, type RedisOptions } from 'ioredis'

/** Milliseconds for the end of a connection that is given up; the default of ioredis. */
const DISCONNECT_TIMEOUT_MS = 2000

/** What ioredis gives to a connector are the options of its client. */
export function optionsOf(given: unknown): RedisOptions {
  const isOptions = (options: unknown): options is RedisOptions => typeof options === 'object'
  return isOptions(given) ? given : {}
}

/**
 * Connects to one server, and asks for the certificate of its name.
 *
 * The connectors of ioredis hear one error of a stream. One that is ended while a certificate is refused has another
 * when the server answers with an alert, and what nobody hears ends the process.
 */
export class ServerConnector extends AbstractConnector {
  protected options: RedisOptions

  constructor(given: unknown) {
    const options = optionsOf(given)
    super(options.disconnectTimeout ?? DISCONNECT_TIMEOUT_MS)
    this.options = options
  }

  async connect(_emit: Parameters<AbstractConnector['connect']>[0]): Promise<AbstractConnector['stream']> {
    this.connecting = true
    const { host = 'localhost', port = 6379, family, path, tls } = this.options
    const place = path ? { path } : { host, port, family }
    // An address is no name that TLS could ask for.
    const name = isIP(host) === 0 ? { servername: host } : {}
    this.stream = tls ? connectTls({ ...place, ...name, ...tls }) : connect(place)
    this.stream.on('error', (error) => this.fail(error))
    return this.stream
  }

  /** Is told each error of the stream. */
  protected fail(error: Error): void {
    this.firstError ??= error
  }
}
