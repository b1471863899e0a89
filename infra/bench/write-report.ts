import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parse, View } from 'vega'
import { compile } from 'vega-lite'
import { root } from '../dev/places.ts'
import { isMet, type Row } from './report.ts'

const PAGE = join(root, 'docs/performance.md')
const PLOT = join(root, 'docs/performance.svg')
const BEGIN = '<!-- results of npm run bench -->'
const END = '<!-- end of results -->'
const NOTES = `A target that a run misses stays in the table, as missed. What \`GET /posts\` is held against, and why, is in
[ADR 17](adr/0017-stored-answers.md). "POST /login ÷ argon2" can be above 1, because
auth hashes by another library ([ADR 15](adr/0015-hashes-by-node-rs-argon2.md)).`

/** Puts the results into docs/performance.md, between its two marks, and draws how costs grow. */
export async function writeReport(rows: readonly Row[]): Promise<void> {
  const page = readFileSync(PAGE, 'utf8')
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (before < 0 || after < before) throw new Error(`${PAGE} has lost the marks around its results`)
  const results = `${BEGIN}\n\n${tableOf(rows)}\n\n`
  writeFileSync(PAGE, page.slice(0, before) + results + page.slice(after))
  writeFileSync(PLOT, await plot(rows))
}

function tableOf(rows: readonly Row[]): string {
  const date = new Date().toISOString().slice(0, 10)
  const lines = rows.map((row) => {
    const { name, value, unit, target, figures } = row
    const aim = target ? `${target.bound} ${target.value}` : ''
    return `| ${name} | ${value.toFixed(2)} ${unit} | ${aim} | ${told(isMet(row))} | ${figures} |`
  })
  const head = `${date}, ${cpus().length} shared cores, Node ${process.versions.node}, load ${(loadavg()[0] ?? 0).toFixed(1)} at the end, medians:`
  const titles = ['| | measured | target | met | |', '|---|--:|--:|---|---|']
  return [NOTES, '', head, '', ...titles, ...lines].join('\n')
}

function told(met: boolean | undefined): string {
  if (met === undefined) return ''
  return met ? 'yes' : '**no**'
}

async function plot(rows: readonly Row[]): Promise<string> {
  const values = rows.flatMap(({ name, curve }) => {
    const first = curve?.points[0]?.[1] ?? NaN
    return (curve?.points ?? []).map(([size, cost]) => ({ name, size, relative: cost / first }))
  })
  const { spec } = compile({
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: 'Cost by size, as a multiple of the cost at the smallest size',
    width: 560,
    height: 300,
    background: 'white',
    data: { values },
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'size', type: 'quantitative', scale: { type: 'log' }, title: 'size' },
      y: {
        field: 'relative',
        type: 'quantitative',
        scale: { type: 'log' },
        title: 'cost ÷ cost at the smallest',
      },
      color: { field: 'name', type: 'nominal', title: null, legend: { labelLimit: 400 } },
    },
  })
  const view = new View(parse(spec), { renderer: 'none' })
  return `${await view.toSVG()}\n`
}
