import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../dev/places.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** Metrics that the services register, by their sources; prom-client's own belong to every process. */
const registered = new Set(
  globSync('{packages/service-kit,services/*}/src/**/*.ts', { cwd: root }).flatMap((file) =>
    [...read(file).matchAll(/'((?:[a-z]+_)+[a-z]+)'/g)].map(([, name = '']) => name),
  ),
)
const STANDARD =
  /^(?:up|ALERTS|nodejs_eventloop_lag_p99_seconds|process_cpu_seconds_total|process_resident_memory_bytes)$/

/** Words of PromQL that look like metrics. */
const WORDS = new Set(['clamp_min', 'group_left', 'histogram_quantile', 'quantile_over_time'])

/** Names of metrics that an expression of PromQL asks for. */
function metricsOf(expression: string): string[] {
  const bare = expression
    .replaceAll(/\{[^}]*\}/g, '')
    .replaceAll(/\b(?:by|on|without|group_left|group_right)\s*\([^)]*\)/g, '')
  return [...bare.matchAll(/\b[a-zA-Z]+(?:_[a-z0-9]+)+\b|\bup\b/g)]
    .map(([name]) => name)
    .filter((name) => !WORDS.has(name))
}

function isKnown(metric: string): boolean {
  return (
    STANDARD.test(metric) ||
    registered.has(metric.replace(/_(?:bucket|count|sum)$/, '')) ||
    registered.has(metric)
  )
}

const alerts = [
  ...read('infra/observability/alerts.yml').matchAll(/expr:(?: \|\n)?([^]*?)\n +(?:for|labels):/g),
]
const names = [...read('infra/observability/alerts.yml').matchAll(/- alert: (\w+)/g)].map(
  ([, name = '']) => name,
)

t.test('every alert asks for metrics that the services have', async (t) => {
  t.equal(alerts.length, names.length)
  for (const [, expression = ''] of alerts) {
    const metrics = metricsOf(expression)
    t.ok(metrics.length > 0, expression)
    for (const metric of metrics) t.ok(isKnown(metric), metric)
  }
})

t.test('every alert says what to do, and the operations guide tells more of it', async (t) => {
  const text = read('infra/observability/alerts.yml')
  t.equal([...text.matchAll(/^ +action: '?.{20}/gm)].length, names.length)
  const guide = read('docs/operations.md')
  for (const name of names) t.ok(guide.includes(`\`${name}\``), name)
})

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
}

t.test('every panel of the dashboard asks for metrics that the services have', async (t) => {
  const dashboard: { uid: string; panels: Panel[] } = JSON.parse(
    read('infra/observability/grafana/dashboards/portcullis.json'),
  )
  const ids = new Set(dashboard.panels.map(({ id }) => id))
  t.equal(ids.size, dashboard.panels.length)
  const sources = read('infra/observability/grafana/provisioning/datasources/prometheus.yml')
  for (const { type, title, targets = [], gridPos } of dashboard.panels) {
    t.ok(gridPos.x + gridPos.w <= 24, title)
    if (type !== 'row') t.ok(targets.length > 0, title)
    for (const { expr, datasource } of targets) {
      t.ok(sources.includes(`uid: ${datasource.uid}`), title)
      for (const metric of metricsOf(expr)) t.ok(isKnown(metric), `${title}: ${metric}`)
    }
  }
})

t.test('what promtool tests of the dashboard is what its panels ask for', async (t) => {
  const dashboard: { panels: Panel[] } = JSON.parse(
    read('infra/observability/grafana/dashboards/portcullis.json'),
  )
  const asked = new Set(dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)))
  const tested = [
    ...read('infra/observability/dashboard.test.yml').matchAll(/^ +- expr: (?:&\w+ )?(.+)$/gm),
  ].map(([, expression = '']) => expression)
  t.equal(tested.length, 5)
  t.strictSame(
    tested.filter((expression) => !asked.has(expression)),
    [],
  )
})
