import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { homeFolder, root } from './places.ts'
import { commandOf, endStranger } from './processes.ts'
import { StopError } from './stop-error.ts'

const RunSchema = Type.Object({
  /** Process that started the parts; 0 when they have been stopped in order. */
  launcher: Type.Integer(),
  origin: Type.String(),
  /** Ports of the stores, which the next run takes again if they are free. */
  ports: Type.Record(Type.String(), Type.Integer()),
  parts: Type.Array(
    Type.Object({
      pid: Type.Integer(),
      /** What the command line of the process contains, lest another one that has its number now be ended. */
      marker: Type.String(),
    }),
  ),
})
type Run = Static<typeof RunSchema>
const Run = Compile(RunSchema)

const LAUNCHER = join(root, 'infra/dev/start.ts')

/** What runs in this checkout, kept in `.portcullis/run.json` for the next run and for other commands. */
export class RunFile {
  readonly #file = join(homeFolder(), 'run.json')
  #run: Run

  private constructor(run: Run) {
    this.#run = run
  }

  /**
   * Takes the checkout for this process, and ends what a run that was killed has left behind.
   *
   * @throws StopError if another run is there.
   */
  static async claim(origin: string): Promise<RunFile> {
    const last = readRun()
    if (last !== undefined && isRunning(last)) {
      throw new StopError(`already running at ${last.origin} (process ${last.launcher}); stop that one first`)
    }
    const leftovers = (last?.parts ?? []).filter(({ pid, marker }) => commandOf(pid)?.includes(marker))
    await Promise.all(leftovers.map(({ pid }) => endStranger(pid, 'SIGTERM', 1500)))
    const file = new RunFile({ launcher: process.pid, origin, ports: last?.ports ?? {}, parts: [] })
    file.#save()
    return file
  }

  /** The port that a store had in the last run; 0 if there was none. */
  portOf(store: string): number {
    return this.#run.ports[store] ?? 0
  }

  setPort(store: string, port: number): void {
    this.#run.ports[store] = port
    this.#save()
  }

  addPart(pid: number, marker: string): void {
    this.#run.parts.push({ pid, marker })
    this.#save()
  }

  /** Says that every part has ended. */
  release(): void {
    this.#run = { ...this.#run, launcher: 0, parts: [] }
    this.#save()
  }

  #save(): void {
    writeFileSync(`${this.#file}.new`, `${JSON.stringify(this.#run, null, 2)}\n`, { mode: 0o600 })
    renameSync(`${this.#file}.new`, this.#file)
  }
}

function readRun(): Run | undefined {
  const file = join(homeFolder(), 'run.json')
  if (!existsSync(file)) return undefined
  try {
    return Run.Parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}

function isRunning({ launcher }: Run): boolean {
  return launcher !== 0 && launcher !== process.pid && commandOf(launcher)?.includes(LAUNCHER) === true
}

/** Where the pair runs that was started from this checkout; undefined if it does not run. */
export function runningOrigin(): string | undefined {
  const run = readRun()
  return run !== undefined && isRunning(run) ? run.origin : undefined
}
