import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'

const ProfileSchema = Type.Object({
  nodes: Type.Array(
    Type.Object({
      id: Type.Number(),
      callFrame: Type.Object({
        functionName: Type.String(),
        url: Type.String(),
        lineNumber: Type.Number(),
      }),
      children: Type.Optional(Type.Array(Type.Number())),
    }),
  ),
  samples: Type.Array(Type.Number()),
  timeDeltas: Type.Array(Type.Number()),
})
const profiles = Compile(ProfileSchema)

/** Functions that a table lists. */
const LINES = 45
/** Not work of the program. */
const NOT_WORK = new Set(['(idle)', '(root)', '(program)'])

/** Arguments of Node that make it write a profile into the folder when it ends. */
export function profileArguments(folder: string, name: string): string[] {
  return [
    '--cpu-prof',
    `--cpu-prof-dir=${resolve(folder)}`,
    `--cpu-prof-name=${name}.${Date.now()}.cpuprofile`,
  ]
}

/** Prints where each profiled process has spent its time: by function, without what the function called. */
export function printProfiles(folder: string): void {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))) {
    const profile = profiles.Parse(JSON.parse(readFileSync(join(folder, file), 'utf8')))
    const { byFunction, byModule, total } = tally(profile)
    console.log(`\n${file}: ${(total / 1e6).toFixed(1)} s of work`)
    for (const table of [byModule, byFunction])
      for (const [name, micros] of [...table].sort(([, a], [, b]) => b - a).slice(0, LINES))
        console.log(`${((100 * micros) / total).toFixed(1).padStart(6)} %  ${name}`)
  }
}

function tally({ nodes, samples, timeDeltas }: Static<typeof ProfileSchema>) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const byFunction = new Map<string, number>()
  const byModule = new Map<string, number>()
  let total = 0
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id)
    const micros = timeDeltas[index] ?? 0
    if (frame === undefined || NOT_WORK.has(frame.functionName)) continue
    total += micros
    const module = moduleOf(frame.url)
    const name = `${frame.functionName || '(anonymous)'} ${module}:${frame.lineNumber + 1}`
    byFunction.set(name, (byFunction.get(name) ?? 0) + micros)
    const folder = module.replace(/\/[^/]*$/, '')
    byModule.set(folder, (byModule.get(folder) ?? 0) + micros)
  }
  return { byFunction, byModule, total }
}

/** The part of an address that people know a module by. */
function moduleOf(url: string): string {
  return (
    url.replace(/^.*\/node_modules\//, '').replace(/^file:\/\/.*?\/(packages|services)\//, '$1/') || 'native'
  )
}
