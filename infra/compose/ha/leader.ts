// Says which of the two servers of PostgreSQL leads, and is the only way to it: every connection to `database:5432`
// goes to the leader, and ends when another leads. Members ask at port 5433 before they start. It keeps what it
// decided in a file; `check` tells whether the leader can be written to. docs/operations.md tells what that is worth.
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { createServer, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Compile } from 'typebox/compile'
import { decide, MEMBERS, otherThan, StandingSchema, type Answer, type Standing } from './decide.ts'
import { Proxy } from './proxy.ts'
import { Server } from './server.ts'

const FILE = '/state/standing.json'
const PORT = 5432
const ASK_PORT = 5433
const EVERY_MS = 250

const parse = Compile(StandingSchema)

class Leader {
  readonly #proxy = new Proxy(PORT)
  readonly #servers = {
    [MEMBERS[0]]: new Server(MEMBERS[0], password),
    [MEMBERS[1]]: new Server(MEMBERS[1], password),
  }
  #standing = readStanding()
  #isWritable = false
  #leaderSeen = performance.now()
  #followerSeen = performance.now()

  async run(): Promise<void> {
    log('begins', this.#standing)
    this.#proxy.listen()
    createServer((asker) => {
      asker.on('error', () => undefined)
      asker.end(`${this.#standing.leader} ${this.#isWritable ? 'writable' : 'away'}\n`)
    }).listen(ASK_PORT)
    for (;;) {
      await this.#step()
      await sleep(EVERY_MS)
    }
  }

  async #step(): Promise<void> {
    const leading = this.#servers[this.#standing.leader]
    const leader = await leading.ask()
    const other = leader ? undefined : await this.#servers[otherThan(this.#standing.leader)].ask()
    const now = performance.now()
    if (leader) this.#leaderSeen = now
    // A leader that is away has no follower either: that one is given time to come back after it.
    if (leader?.follower !== 'none') this.#followerSeen = now
    this.#pass(leader, leading.address)
    const decision = decide({
      standing: this.#standing,
      leader,
      other,
      leaderAwayMs: now - this.#leaderSeen,
      followerAwayMs: now - this.#followerSeen,
    })
    if (decision.do === 'nothing') return
    if ('standing' in decision) this.#write(decision.standing)
    log(decision.do, this.#standing)
    try {
      if (decision.do === 'promote') await leading.promote()
      if (decision.do === 'wait for follower') await leading.setWaits(true)
      if (decision.do === 'go alone') await leading.setWaits(false)
      if (decision.do === 'change leader') {
        this.#leaderSeen = this.#followerSeen = now
        this.#proxy.cut()
      }
    } catch (error) {
      log(`failed: ${decision.do}: ${error instanceof Error ? error.message : String(error)}`, this.#standing)
    }
  }

  /** New connections go to a leader that can be written to; those to one that has only gone silent stay open. */
  #pass(leader: Answer | undefined, address: string | undefined): void {
    this.#isWritable = leader?.inRecovery === false
    if (this.#isWritable && address !== undefined) this.#proxy.route(address)
    else this.#proxy.hold()
  }

  /** On the disk before it counts. */
  #write(standing: Standing): void {
    const file = openSync(`${FILE}.new`, 'w')
    writeSync(file, JSON.stringify(standing))
    fsyncSync(file)
    closeSync(file)
    renameSync(`${FILE}.new`, FILE)
    this.#standing = standing
  }
}

function readStanding(): Standing {
  if (!existsSync(FILE)) return { leader: MEMBERS[0], term: 1, otherHasAll: false }
  return parse.Parse(JSON.parse(readFileSync(FILE, 'utf8')))
}

function password(): string {
  return readFileSync('/run/portcullis/replication_password', 'utf8').trim()
}

function log(what: string, standing: Standing): void {
  console.log(JSON.stringify({ time: new Date().toISOString(), msg: what, ...standing }))
}

/** Whether the one that runs in this container says that the leader can be written to. */
function check(): void {
  const socket = connect(ASK_PORT, '127.0.0.1')
  socket.setTimeout(2000, () => process.exit(1))
  socket.on('error', () => process.exit(1))
  socket.on('data', (line) => process.exit(line.toString().endsWith('writable\n') ? 0 : 1))
}

if (process.argv[2] === 'check') check()
else if (!process.env['COMPOSE_PROFILES']?.split(',').includes('ha')) {
  console.error('The services know of this only if COMPOSE_PROFILES=ha is in the environment or in .env.')
  process.exitCode = 78
} else {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0))
  await new Leader().run()
}
