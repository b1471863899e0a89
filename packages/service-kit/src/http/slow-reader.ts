import type { Socket } from 'node:net'

const PATIENCE_MS = 30_000

/**
 * The connection ends if nothing of the answer, or of its end, is taken for so long. When the answer has been sent, Node waits for the
 * next request instead, for the server's `keepAliveTimeout`.
 *
 * In the place of the server's own `timeout`, for which Node keeps a timer even where an answer is sent at once.
 */
export function limitReading(socket: Socket): void {
  socket.setTimeout(PATIENCE_MS)
}
