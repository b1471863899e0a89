import colors from 'picocolors'
import type { Setting } from './services.ts'
import { since } from './screen.ts'
import { walkForShell } from './walk-shell.ts'

/** What to show when everything is ready. */
export function greet(
  { origin, ports, metricsPorts }: Setting,
  adminPassword: string | undefined,
  began: number,
): void {
  const row = (name: string, text: string) => `  ${name.padEnd(8)} ${text}`
  const service = (port: number) => `http://localhost:${port}/docs`
  const metrics = (port: number) => `http://127.0.0.1:${port}/metrics`
  const lines = [
    '',
    colors.bold('Portcullis is ready.'),
    '',
    row('API', colors.cyan(`${origin}/api/v1`)),
    row(
      'Docs',
      `${colors.cyan(`${origin}/docs`)}  (auth ${service(ports.auth)}, content ${service(ports.content)})`,
    ),
    row('Keys', `${origin}/.well-known/jwks.json`),
    row('Metrics', `auth ${metrics(metricsPorts.auth)}, content ${metrics(metricsPorts.content)}`),
    row('Logs', '.portcullis/logs/'),
  ]
  if (adminPassword !== undefined) {
    lines.push(row('Admin', `${colors.bold('admin')} / ${colors.bold(adminPassword)}  (shown this once)`))
  }
  lines.push(
    '',
    'A walk to paste into another terminal (npm run walk makes it without curl):',
    '',
    ...walkForShell(origin).map((line) => (line.startsWith('#') ? colors.dim(line) : line)),
    '',
    `Ready after ${since(began)}. Ctrl-C stops everything.`,
    '',
  )
  console.log(lines.join('\n'))
}
