import { rmSync } from 'node:fs'
import { join } from 'node:path'
import colors from 'picocolors'
import { readArguments, refuse } from '../dev/arguments.ts'
import { Guard, onParentGone } from '../dev/processes.ts'
import { findProgram } from '../dev/programs.ts'
import { runFolder } from '../dev/run-folder.ts'
import { complain, say, since } from '../dev/screen.ts'
import { messageOf, reasonOf } from '../dev/stop-error.ts'
import { makeTokens, type Tokens } from './callers.ts'
import { authAway, cases, type Case, type Finding } from './cases.ts'
import { startGateway, type Gateway, type GatewayName } from './gateways.ts'
import { startWorld, type World } from './world.ts'

/** Each gateway for real, in front of the pair, and what it does in each case. */
const USAGE = 'npm run gateways -- [NAME …]'
const NAMES: readonly GatewayName[] = ['nginx', 'caddy', 'haproxy']
const given = readArguments(USAGE, {}, { most: Infinity }).positionals
for (const name of given)
  if (!NAMES.some((known) => known === name)) refuse(USAGE, `There are ${NAMES.join(', ')}; not '${name}'`)
const WIDTH = 22

const guard = new Guard()
const folder = runFolder('gateways', 'infra/gateways/')

async function main(wanted: readonly GatewayName[]): Promise<boolean> {
  const began = performance.now()
  const programs: { name: GatewayName; program: Awaited<ReturnType<typeof findProgram>> }[] = []
  for (const name of wanted) programs.push({ name, program: await findProgram(name) })
  const world = await startWorld(join(folder, 'world'), guard)
  const gateways: Gateway[] = []
  try {
    for (const { name, program } of programs) {
      if (typeof program === 'string') {
        say(name, `${colors.yellow('SKIPPED')}: ${program}`)
        continue
      }
      gateways.push(await startGateway(name, program, world, join(folder, name), guard))
      say(name, `${program.version}, ${program.path}`)
    }
    const isRight = await check(gateways, world)
    say(isRight ? 'passed' : 'failed', `${cases.length + 1} cases, after ${since(began)}`)
    return isRight && gateways.length > 0
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.stop()))
    await world.stop()
  }
}

async function check(gateways: readonly Gateway[], world: World): Promise<boolean> {
  const tokens = await makeTokens(world)
  printRow(
    '',
    gateways.map(({ name }) => name.padEnd(WIDTH)),
  )
  let isRight = true
  for (const one of cases) isRight = (await checkCase(one, gateways, tokens, world)) && isRight
  await world.stopAuth()
  return (await checkCase(authAway, gateways, tokens, world)) && isRight
}

async function checkCase(
  one: Case,
  gateways: readonly Gateway[],
  tokens: Tokens,
  world: World,
): Promise<boolean> {
  const findings: Finding[] = []
  for (const gateway of gateways) findings.push(await one.run(gateway, tokens, world).catch(asFinding))
  printRow(one.name, findings.map(cell))
  return findings.every(({ isRight }) => isRight)
}

function asFinding(error: unknown): Finding {
  return { shown: reasonOf(error), isRight: false }
}

function cell({ shown, isRight }: Finding): string {
  const text = `${isRight ? '✓' : '✗'} ${shown}`.padEnd(WIDTH)
  return isRight ? colors.green(text) : colors.red(text)
}

function printRow(name: string, cells: readonly string[]): void {
  console.log(`  ${name.padEnd(WIDTH)} ${cells.join(' ')}`)
}

/** Whatever runs is ended by the guard. */
function interrupt(): void {
  rmSync(folder, { recursive: true, force: true })
  process.exit(1)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
onParentGone(interrupt)
const wanted = NAMES.filter((name) => given.length === 0 || given.includes(name))
try {
  process.exitCode = (await main(wanted)) ? 0 : 1
} catch (error) {
  complain('failed', messageOf(error))
  process.exitCode = 1
}
rmSync(folder, { recursive: true, force: true })
process.exit()
