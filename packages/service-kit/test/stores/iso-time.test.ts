import fc from 'fast-check'
import t from 'tap'
import { createPool, type PostgresOptions } from '@portcullis/service-kit'
import { createDatabase } from '@portcullis/test-kit'
import { isoTimeOf } from '../../src/stores/iso-time.ts'

const url = await createDatabase(t, 'content')
const DAY = 86_400_000_000
/** Microseconds since 1970: from the year 200 before our era to 12000, and often close to now. */
const micros = fc.oneof(
  fc.bigInt({ min: BigInt(-792_000 * DAY), max: BigInt(3_663_000 * DAY) }),
  fc.bigInt({ min: BigInt(20_000 * DAY), max: BigInt(21_000 * DAY) }),
  fc.bigInt({ min: -3_000_000n, max: 3_000_000n }),
)
const isoOf = (time: bigint) =>
  new Date(Number((time - (((time % 1000n) + 1000n) % 1000n)) / 1000n)).toISOString()

t.test('a time is read as JavaScript writes it, whatever it is and in which zone it is told', async (t) => {
  const pool = createPool({ url, name: 'zones', poolSize: 1, isPatient: true })
  t.teardown(() => pool.end())
  for (const zone of ['UTC', 'Europe/Amsterdam', 'America/St_Johns', 'Asia/Kolkata', '+10', '-10'])
    await fc.assert(
      fc.asyncProperty(fc.array(micros, { minLength: 20, maxLength: 60 }), async (times) => {
        await pool.query(`set timezone = '${zone}'`)
        const { rows } = await pool.query<{ text: string }>(
          `select ((timestamp 'epoch' + n / ${DAY} * interval '1 day' + n % ${DAY} * interval '1 microsecond')
             at time zone 'UTC')::text as text from unnest($1::bigint[]) n`,
          [times.map(String)],
        )
        for (const [index, { text }] of rows.entries())
          if (isoTimeOf(text) !== isoOf(times[index] ?? 0n)) throw new Error(`${text} as ${isoTimeOf(text)}`)
      }),
      { numRuns: 20 },
    )
  t.equal(isoTimeOf('infinity'), 'infinity')
})

t.test('who wants times as text gets them so, whatever the defaults of the server are', async (t) => {
  const open = (options: Partial<PostgresOptions> = {}) => {
    const pool = createPool({ url, name: 'times', ...options })
    t.teardown(() => pool.end())
    return pool
  }
  await open().query(`do $$ begin
    execute format('alter database %I set timezone = ''Asia/Tokyo''', current_database());
    execute format('alter database %I set datestyle = ''SQL, DMY''', current_database());
  end $$`)
  const time = async (options?: Partial<PostgresOptions>) =>
    (await open(options).query<{ time: unknown }>(`select timestamptz '2026-11-23 12:00:00.5+02' as time`))
      .rows
  t.strictSame(await time({ times: 'text' }), [{ time: '2026-11-23T10:00:00.500Z' }])
  t.strictSame(await time(), [{ time: new Date('2026-11-23T10:00:00.500Z') }])
  const settings = `select current_setting('timezone') as zone, current_setting('datestyle') as style`
  t.strictSame((await open().query(settings)).rows, [{ zone: 'UTC', style: 'ISO, DMY' }])
})
