import { randomBytes } from 'node:crypto'
import { cpSync, lchownSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from '../dev/ports.ts'
import { startPostgres, type Postgres } from '../dev/postgres.ts'
import type { PostgresOptions } from '../dev/postgres-data.ts'
import { end, type OnSpawn } from '../dev/processes.ts'
import { Proxy } from './proxy.ts'

interface Server {
  readonly options: PostgresOptions
  running: Postgres
}

/** A standby that follows the database, until its way is cut. */
export interface Standby {
  /** From now on it gets nothing of what is committed. */
  cut(): void
  /** The primary dies, and this becomes the database that everybody reaches. */
  promote(): Promise<void>
}

/** PostgreSQL, behind a proxy that can lead to another server. */
export class Database {
  readonly #folder: string
  readonly #way: Proxy
  #server: Server

  private constructor(folder: string, server: Server, way: Proxy) {
    this.#folder = folder
    this.#server = server
    this.#way = way
  }

  static async start(folder: string, password: string, onSpawn: OnSpawn): Promise<Database> {
    const options = {
      folder: join(folder, 'postgres'),
      port: await freePort(),
      password,
      log: join(folder, 'postgres.log'),
      // The machine is not among what is killed here.
      settings: { fsync: 'off' },
      onSpawn,
    }
    const server = { options, running: await startPostgres(options) }
    return new Database(folder, server, await Proxy.start(options.port))
  }

  get adminUrl(): string {
    return this.#server.running.adminUrl
  }

  /** The same URL on the way that leads to whatever server there is. */
  throughProxy(url: string): string {
    const through = new URL(url)
    through.port = String(this.#way.port)
    return through.href
  }

  async stop(): Promise<void> {
    this.#way.stop()
    await this.#server.running.stop()
  }

  /** A copy of all the data, as of now. */
  async backUp(): Promise<string> {
    const copy = join(this.#folder, `backup-${randomBytes(4).toString('hex')}`)
    await this.#whileStopped(() => copyData(this.#server.options.folder, copy))
    return copy
  }

  /** Goes back to the data of a backup. */
  async restore(copy: string): Promise<void> {
    const { folder } = this.#server.options
    await this.#whileStopped(() => {
      rmSync(folder, { recursive: true, force: true })
      copyData(copy, folder)
    })
  }

  /** A standby made by a cold copy, which then streams. */
  async addStandby(): Promise<Standby> {
    const primary = this.#server
    const way = await Proxy.start(primary.options.port)
    const folder = await this.backUp()
    writeFileSync(join(folder, 'standby.signal'), '')
    giveTo(primary.options.folder, folder)
    const { password } = primary.options
    const options = {
      ...primary.options,
      folder,
      port: await freePort(),
      settings: {
        ...primary.options.settings,
        primary_conninfo: `host=127.0.0.1 port=${way.port} user=postgres password=${password}`,
      },
    }
    const standby = { options, running: await startPostgres(options) }
    await untilTrue(primary.running.adminUrl, 'select exists (select from pg_stat_replication)')
    return {
      cut: () => way.cut(),
      promote: async () => {
        await end(primary.running.child, 'SIGKILL', 1000)
        way.stop()
        await untilTrue(standby.running.adminUrl, 'select pg_promote()')
        this.#server = standby
        this.#way.retarget(options.port)
      },
    }
  }

  async #whileStopped(work: () => void): Promise<void> {
    await this.#server.running.stop()
    try {
      work()
    } finally {
      this.#server.running = await startPostgres(this.#server.options)
    }
  }
}

async function untilTrue(url: string, question: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    for (;;) {
      const { rows } = await client.query<Record<string, boolean>>(question)
      if (Object.values(rows[0] ?? {})[0] === true) return
      await sleep(20)
    }
  } finally {
    await client.end()
  }
}

function copyData(from: string, to: string): void {
  cpSync(from, to, { recursive: true, preserveTimestamps: true })
  rmSync(join(to, 'postmaster.pid'), { force: true })
  giveTo(from, to)
}

/** Copies made by root belong to root; PostgreSQL runs as whoever owns its data. */
function giveTo(like: string, folder: string): void {
  const { uid, gid } = statSync(like)
  for (const name of ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })])
    lchownSync(join(folder, name), uid, gid)
}
