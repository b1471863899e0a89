import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Compile } from 'typebox/compile'
import { root } from '../dev/places.ts'
import { end, hasEnded, type Guard } from '../dev/processes.ts'
import { redisDatabase } from '../dev/services.ts'
import { AnswerSchema, VERDICTS, type Answer, type Question, type Setting } from './messages.ts'
import { Proxy } from './proxy.ts'

const isAnswer = Compile(AnswerSchema)
const START_PATIENCE_MS = 60_000

/** A process that verifies tokens, and its two ways to the world; where there are Sentinels, one leads to the first. */
export class Verifier {
  readonly redisWay: Proxy
  readonly authWay: Proxy
  readonly #setting: Setting
  readonly #guard: Guard
  readonly #waiting = new Map<number, (answer: Answer | undefined) => void>()
  #child: ChildProcess | undefined
  #questions = 0
  /** Milliseconds from commit to application, of all that it has told. */
  readonly applied: number[] = []

  private constructor(setting: Setting, ways: { redis: Proxy; auth: Proxy }, guard: Guard) {
    this.#setting = setting
    this.redisWay = ways.redis
    this.authWay = ways.auth
    this.#guard = guard
  }

  static async create(
    world: { issuer: string; redisUrl: string; authPort: number; clientSecret: string },
    guard: Guard,
  ): Promise<Verifier> {
    const redisUrl = new URL(world.redisUrl)
    const ways = {
      redis: await Proxy.start(Number(redisUrl.port)),
      auth: await Proxy.start(world.authPort),
    }
    redisUrl.port = String(ways.redis.port)
    const setting = {
      issuer: world.issuer,
      clientSecret: world.clientSecret,
      redisUrl: redisDatabase(redisUrl.href, 1),
      authUrl: `http://127.0.0.1:${ways.auth.port}`,
      boundedStalenessSeconds: 6,
    }
    return new Verifier(setting, ways, guard)
  }

  /** Resolves when it serves. */
  async start(): Promise<void> {
    this.launch()
    await this.untilReady()
  }

  launch(): void {
    const child = fork(join(root, 'infra/chaos/verifier-process.ts'), {
      cwd: root,
      execArgv: ['--conditions=@portcullis/source', '--expose-gc'],
      env: { ...process.env, CHAOS_SETTING: JSON.stringify(this.#setting) },
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child = child
    this.#guard.watch(child, 'SIGKILL')
    child.on('message', (message: unknown) => {
      if (!isAnswer.Check(message)) return
      this.applied.push(...message.applied)
      this.#settle(message.id, message)
    })
    child.on('error', () => undefined)
    child.on('exit', () => {
      if (this.#child === child) for (const id of this.#waiting.keys()) this.#settle(id, undefined)
    })
  }

  async untilReady(): Promise<void> {
    const deadline = performance.now() + START_PATIENCE_MS
    while (!(await this.ask())?.ready) {
      if (performance.now() > deadline) throw new Error('a verifier is not ready after 60 s')
      await sleep(20)
    }
  }

  /** Undefined if it has ended. While it is frozen the answer does not come before it goes on. */
  ask(question: Partial<Omit<Question, 'id'>> = {}): Promise<Answer | undefined> {
    const child = this.#child
    if (!child || hasEnded(child) || !child.connected) return Promise.resolve(undefined)
    const id = ++this.#questions
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      child.send({ tokens: [], bounded: false, ...question, id }, (error) => {
        if (error) this.#settle(id, undefined)
      })
    })
  }

  /** Indexes of the tokens that it takes for good. */
  async accepted(tokens: readonly string[], bounded = false): Promise<number[]> {
    const answer = await this.ask({ tokens: [...tokens], bounded })
    return (answer?.verdicts ?? []).flatMap((verdict, index) =>
      verdict === VERDICTS.accepted ? [index] : [],
    )
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name)
  }

  async kill(): Promise<void> {
    if (this.#child) await end(this.#child, 'SIGKILL', 1000)
  }

  /** Lets it say farewell and end. */
  async close(): Promise<void> {
    await this.ask({ close: true })
    await this.kill()
  }

  async stop(): Promise<void> {
    await this.kill()
    this.redisWay.stop()
    this.authWay.stop()
  }

  #settle(id: number, answer: Answer | undefined): void {
    this.#waiting.get(id)?.(answer)
    this.#waiting.delete(id)
  }
}
