import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { gauge } from './gauge.ts'

/** The part of a verifier or a replica of @portcullis/token-verifier that is looked at. */
interface Replica {
  /** Milliseconds, infinite before the log was read for the first time. */
  age(): number
  /** Epoch 0 before the log was read for the first time. */
  readonly position: { readonly epoch: number; readonly seq: number }
  readonly entries: number
}

/** How old this instance's copy of the revocation log is, how far it reaches and how much it holds. */
export function measureReplica(registry: Registry, replica: Replica): void {
  // Told as 0 before the log is read, each start would look like a new epoch, and like all of the log at once.
  const whenRead = (number: number) => (replica.position.epoch === 0 ? undefined : number)
  gauge(
    registry,
    'revocation_replica_age_seconds',
    'Time since the newest moment as of which every revocation is known here',
    () => replica.age() / 1000,
  )
  gauge(
    registry,
    'revocation_replica_seq',
    'Number of the newest revocation up to which all are known here',
    () => whenRead(replica.position.seq),
  )
  gauge(
    registry,
    'revocation_replica_epoch',
    'Epoch of the revocation log; every older access token is dead',
    () => whenRead(replica.position.epoch),
  )
  gauge(
    registry,
    'revocation_replica_entries',
    'Revocations held in memory; at 2,000,000 no more are taken',
    () => replica.entries,
  )
}

/** Counts what a verifier of @portcullis/token-verifier tells its observer. */
export function observeVerifier(registry: Registry) {
  const registers = [registry]
  const lag = new Histogram({
    name: 'revocation_lag_seconds',
    help: 'Time from the writing of a revocation to its being applied here, by the clocks of both machines',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  })
  const disconnects = new Counter({
    name: 'revocation_disconnects_total',
    help: 'Connections to the revocation log that were given up',
    labelNames: ['carrier'],
    registers,
  })
  const reloads = new Counter({
    name: 'revocation_reloads_total',
    help: 'Times that the revocation log was read again from its front',
    labelNames: ['carrier'],
    registers,
  })
  const carriers = new Gauge({
    name: 'revocation_carrier',
    help: '1 for what carries the revocation log at the moment',
    labelNames: ['carrier'],
    registers,
  })
  const keyFailures = new Counter({
    name: 'jwks_failures_total',
    help: 'Times that the keys of the issuer could not be fetched',
    registers,
  })
  return {
    applied: (_event: unknown, latencyMs: number) => lag.observe(Math.max(0, latencyMs) / 1000),
    disconnected: (carrier: string) => disconnects.inc({ carrier }),
    reloading: (carrier: string) => reloads.inc({ carrier }),
    carrier: (carrier: string) => {
      carriers.reset()
      carriers.set({ carrier }, 1)
    },
    keysFailed: () => keyFailures.inc(),
  }
}
