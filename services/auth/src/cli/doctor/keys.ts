import type { Kysely } from 'kysely'
import type { Config } from '../../config.ts'
import type { DB } from '../../database/tables.ts'
import {
  findActiveKeyAge,
  listKeysInUse,
  listPublishedSigningKeys,
  listRefreshKeys,
} from '../../keys/queries.ts'
import { createSealer, type Sealer } from '../../keys/seal.ts'
import { Findings, type Finding } from './finding.ts'

const DAY_SECONDS = 86_400
/** A key that signs for longer should be rotated (NIST SP 800-57 part 1, section 5.3.6: one to three years). */
const OLD_DAYS = 365

/** Looks at the keys of the issuer: whether they are there, can be opened, and how old they are. */
export async function examineKeys(db: Kysely<DB>, settings: Partial<Config>): Promise<Finding[]> {
  const found = new Findings('keys')
  const { SIGNING_ALGORITHM: algorithm = 'ES256', KEY_ENCRYPTION_KEY: current } = settings
  const inUse = await listKeysInUse(db)
  if (inUse.length === 0) {
    found.ok('none yet: auth makes them when it first starts')
    return found.all
  }
  const states: string[] = inUse.filter((key) => key.alg === algorithm).map((key) => key.state)
  const missing = ['active', 'standby'].filter((state) => !states.includes(state))
  if (missing.length > 0)
    found.warning(
      `there is no ${algorithm} key that is ${missing.join(' or ')}`,
      'restart auth, which makes what is missing; check SIGNING_ALGORITHM if it should be another one',
    )
  else found.ok(`one ${algorithm} key signs, one is published to sign next`)
  await examineAge(found, db, settings)
  if (current === undefined) return found.all
  await examineSeals(found, db, createSealer(current, settings.KEY_ENCRYPTION_KEY_PREVIOUS), settings)
  return found.all
}

async function examineAge(
  found: Findings,
  db: Kysely<DB>,
  { KEY_ROTATION_DAYS: planned = 0 }: Partial<Config>,
): Promise<void> {
  const days = Math.floor(((await findActiveKeyAge(db)) ?? 0) / DAY_SECONDS)
  if (planned > 0 && days > planned + 1)
    found.warning(
      `the key has signed for ${days} days, although KEY_ROTATION_DAYS is ${planned}`,
      'see whether auth runs, and its line `the keys could not be rotated`',
    )
  else if (days > OLD_DAYS)
    found.warning(`the key has signed for ${days} days`, '`portcullis keys rotate`, or set KEY_ROTATION_DAYS')
  else found.ok(`the key has signed for ${days} days`)
}

async function examineSeals(
  found: Findings,
  db: Kysely<DB>,
  sealer: Sealer,
  { SIGNING_ALGORITHM: algorithm = 'ES256', KEY_ENCRYPTION_KEY_PREVIOUS: previous }: Partial<Config>,
): Promise<void> {
  const keys = [
    ...(await listPublishedSigningKeys(db, algorithm, 0)),
    ...(await listRefreshKeys(db, Number.MAX_SAFE_INTEGER)),
  ].filter((key) => key.sealed.length > 0)
  const closed = keys.filter((key) => !opens(sealer, key))
  const older = keys.filter((key) => key.sealed_by !== sealer.keyId)
  if (closed.length > 0)
    found.failed(
      `KEY_ENCRYPTION_KEY does not open ${closed.map(({ kid }) => kid).join(', ')}: auth cannot start`,
      'set the key that sealed them, or give it as KEY_ENCRYPTION_KEY_PREVIOUS; if it is lost, ' +
        '`portcullis revoke-all` makes new keys, and everybody logs in again',
    )
  else if (older.length > 0)
    found.warning(
      `${older.length} are sealed under KEY_ENCRYPTION_KEY_PREVIOUS`,
      'restart auth, which seals anew',
    )
  else found.ok(`sealed under KEY_ENCRYPTION_KEY${previous === undefined ? '' : '; the previous one can go'}`)
}

function opens(sealer: Sealer, key: { sealed: Buffer; sealed_by: string; kid: string }): boolean {
  try {
    return sealer.open(key.sealed, key.sealed_by, key.kid).length > 0
  } catch {
    return false
  }
}
