import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import t from 'tap'
import { FakeClock } from '@portcullis/test-kit'
import { Leases } from '../../src/revocation/verifiers/leases.ts'
import { Serving } from '../../src/revocation/verifiers/serving.ts'
import { startAuth } from '../support/auth.ts'
import { until } from '../support/until.ts'

const quiet = { warn: () => undefined }

t.test('a row of a verifier is as young as the moment at which it was read', async (t) => {
  const auth = await startAuth(t)
  const { db } = auth.app
  const clock = new FakeClock()
  let looks = 0
  const registrar = {
    forget: async () => undefined,
    forgetStale: async () => {
      looks += 1
    },
  }
  const leases = new Leases({ db, clock, registrar, serving: new Serving(clock), log: quiet })
  t.teardown(() => leases.stop())
  const other = new pg.Client({ connectionString: auth.databaseUrl })
  await other.connect()
  t.teardown(() => other.end())

  // The list has to wait, and the verifier is heard of meanwhile.
  await other.query('begin; lock table verifiers in access exclusive mode')
  leases.start()
  await sleep(300)
  clock.advance(1900)
  await other.query("insert into verifiers (name, client_id, max_age) values ('app/late', 'app', 2); commit")
  for (const [look, ms] of [1000, 1400].entries()) {
    await until(() => looks === look + 1, 'it has looked')
    clock.advance(ms)
  }
  await until(() => looks === 3, 'it has looked at a row that is 2.4 s old')
  const { rows } = await sql`select from verifiers where name = 'app/late'`.execute(db)
  t.equal(rows.length, 1)
})
