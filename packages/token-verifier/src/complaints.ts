import type { Observer } from './follow/observer.ts'

/** A start, or a restart of what is followed, is over sooner. */
const PATIENCE_MS = 5000
const AGAIN_AFTER_MS = 60_000

interface Log {
  warn(fields: object, message: string): void
}

/**
 * An observer that also says in the log, each reason once a minute, why a verifier has not been ready for five seconds: from
 * outside all that is seen of a wrong secret or address is 503.
 */
export function complaining(observer: Observer, log: Log, isReady: () => boolean): Observer {
  let goodAt = performance.now()
  const saidAt = new Map<string, number>()
  const fail = (fields: object, message: string) => {
    const now = performance.now()
    if (isReady()) goodAt = now
    if (now - goodAt < PATIENCE_MS || now - (saidAt.get(message) ?? -Infinity) < AGAIN_AFTER_MS) return
    saidAt.set(message, now)
    log.warn(fields, message)
  }
  return {
    ...(observer.applied && { applied: (event, latencyMs) => observer.applied?.(event, latencyMs) }),
    reloading: (carrier) => observer.reloading?.(carrier),
    state: (state) => observer.state?.(state),
    carrier: (carrier) => observer.carrier?.(carrier),
    disconnected: (carrier, error) => {
      fail({ carrier, err: error }, 'the revocation log cannot be followed')
      observer.disconnected?.(carrier, error)
    },
    unadmitted: (clientId) => {
      fail(
        { carrier: 'redis', client_id: clientId },
        `auth does not admit the client ${clientId} as a verifier: is it registered, active, with the scope revocations:read, and without 200 verifiers already?`,
      )
      observer.unadmitted?.(clientId)
    },
    keysFailed: (error) => {
      fail({ err: error }, 'the keys of the issuer cannot be fetched')
      observer.keysFailed?.(error)
    },
  }
}
