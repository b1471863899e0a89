import { lookup } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Answer, Member } from './decide.ts'

const RowSchema = Type.Object({
  in_recovery: Type.Boolean(),
  waits: Type.Boolean(),
  position: Type.Union([Type.String(), Type.Null()]),
  sync_state: Type.Union([Type.String(), Type.Null()]),
  caught_up: Type.Boolean(),
})
const Row = Compile(RowSchema)

const ASK = `
  select pg_is_in_recovery() as in_recovery,
         current_setting('synchronous_standby_names') <> '' as waits,
         case when pg_is_in_recovery() then null else pg_current_wal_flush_lsn() end::text as position,
         follower.sync_state,
         coalesce(follower.flush_lsn >= $1::pg_lsn, false) as caught_up
  from (values (1)) as one
  left join pg_stat_replication as follower on follower.state = 'streaming'
  limit 1`

const ANSWER_WITHIN_MS = 1000
/** How long the follower has to count as synchronous before what is written then is asked of it. */
const SETTLED_MS = 1000

/** One of the two, by a connection that is opened when it is needed. */
export class Server {
  readonly #host: Member
  readonly #password: () => string
  /** Where it is, by its name. The name of a container that is away may take seconds: it is asked for once at a time. */
  #lookup: Promise<{ address: string }> | undefined
  #client: Client | undefined
  #synchronousSince: number | undefined
  /** What the follower must have: a place in the log that was written while commits waited for it. */
  #mark: string | undefined

  constructor(host: Member, password: () => string) {
    this.#host = host
    this.#password = password
  }

  /** The address of the connection that is open. */
  get address(): string | undefined {
    return this.#client?.host
  }

  /** What it says of itself; undefined if it does not answer within a second. */
  async ask(): Promise<Answer | undefined> {
    const answer = await Promise.race([
      this.#ask().catch(() => undefined),
      sleep(ANSWER_WITHIN_MS, undefined, { ref: false }),
    ])
    if (answer === undefined) this.#discard()
    return answer
  }

  async #ask(): Promise<Answer> {
    const client = await this.#connect()
    const { rows } = await client.query(ASK, [this.#mark ?? null])
    return this.#answer(Row.Parse(rows[0]))
  }

  async promote(): Promise<void> {
    const client = await this.#connect()
    await client.query('select pg_promote(wait => false)')
  }

  /** From now on its commits wait for whoever follows it, or for nobody. */
  async setWaits(waits: boolean): Promise<void> {
    const client = await this.#connect()
    await client.query(`alter system set synchronous_standby_names = '${waits ? '*' : ''}'`)
    await client.query('select pg_reload_conf()')
  }

  #answer(row: Static<typeof RowSchema>): Answer {
    const isSynchronous = row.waits && (row.sync_state === 'sync' || row.sync_state === 'quorum')
    if (!isSynchronous) {
      this.#synchronousSince = undefined
      this.#mark = undefined
    }
    const caughtUp = this.#mark !== undefined && row.caught_up
    if (isSynchronous) {
      this.#synchronousSince ??= performance.now()
      if (performance.now() - this.#synchronousSince > SETTLED_MS) this.#mark ??= row.position ?? undefined
    }
    return {
      inRecovery: row.in_recovery,
      waits: row.waits,
      follower: isSynchronous ? 'synchronous' : row.sync_state === null ? 'none' : 'streaming',
      followerCaughtUp: caughtUp,
    }
  }

  async #connect(): Promise<Client> {
    if (this.#client) return this.#client
    this.#lookup ??= lookup(this.#host).finally(() => (this.#lookup = undefined))
    const { address } = await this.#lookup
    const client = new Client({
      host: address,
      user: 'portcullis_replication',
      password: this.#password(),
      database: 'postgres',
      application_name: 'leader',
      connectionTimeoutMillis: ANSWER_WITHIN_MS,
      query_timeout: ANSWER_WITHIN_MS,
    })
    client.on('error', () => this.#discard())
    this.#client = client
    await client.connect()
    return client
  }

  #discard(): void {
    const client = this.#client
    this.#client = undefined
    this.#synchronousSince = undefined
    this.#mark = undefined
    void client?.end().catch(() => undefined)
  }
}
