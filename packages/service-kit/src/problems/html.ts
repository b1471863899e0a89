import { createHash } from 'node:crypto'
import { html } from 'ghtml'

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.6 system-ui, sans-serif }
body { max-width: 46rem; margin: 4rem auto; padding: 0 1.5rem }
h1 { line-height: 1.25; margin: 0 0 1.5rem }
p { font-size: 1.1rem }
code { font: 0.95em ui-monospace, monospace; padding: 0.1em 0.3em; border-radius: 0.3em; background: #8882 }
table { border-collapse: collapse; width: 100% }
td, th { padding: 0.5rem 1rem 0.5rem 0; text-align: left; vertical-align: top; border-top: 1px solid #8884 }
th { border-top: 0 }
nav { margin-top: 3rem }
a { color: LinkText }
.status { font-variant-numeric: tabular-nums; opacity: 0.7; margin: 0 }
@media (max-width: 40rem) {
  code { overflow-wrap: anywhere }
  thead { display: none }
  tr { display: grid; grid-template-columns: 1fr auto; border-top: 1px solid #8884 }
  td { padding-right: 0; border-top: 0 }
  td:last-child { grid-column: 1 / -1; padding-top: 0 }
}
`

/** In one piece, since its hash counts every space. */
const STYLE_ELEMENT = `<style>${STYLE}</style>`

/** What the browser may do with these pages: show them in their own style. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export interface ProblemPage {
  readonly code: string
  readonly status: number
  readonly title: string
  readonly help: string
}

/** The page about one error code. */
export function problemPage({ code, status, title, help }: ProblemPage): string {
  return page(
    title,
    html`<p class="status">${status} &middot; <code>${code}</code></p>
      <h1>${title}</h1>
      <p>!${withCode(help)}</p>
      <nav><a href="/problems">All error codes</a> &middot; <a href="/docs">All routes</a></nav>`,
  )
}

/** The list of all error codes. */
export function problemIndex(problems: readonly ProblemPage[]): string {
  const rows = problems.map(
    ({ code, status, title }) =>
      html`<tr>
        <td>
          <a href="/problems/${code}"><code>${code}</code></a>
        </td>
        <td>${status}</td>
        <td>${title}</td>
      </tr>`,
  )
  return page(
    'Error codes',
    html`<h1>Error codes</h1>
      <p>
        Every error is a problem document (RFC 9457): <code>code</code> is one of these and stays what it is,
        <code>type</code> leads to its page, <code>instance</code> is the id of the request.
      </p>
      <table>
        <thead>
          <tr>
            <th>code</th>
            <th>status</th>
            <th>title</th>
          </tr>
        </thead>
        <tbody>
          !${rows}
        </tbody>
      </table>
      <nav><a href="/docs">All routes</a></nav>`,
  )
}

/** Text with what stands between backticks as code. */
function withCode(text: string): string {
  return text
    .split('`')
    .map((part, index) => (index % 2 === 0 ? html`${part}` : html`<code>${part}</code>`))
    .join('')
}

function page(title: string, body: string): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} &middot; Portcullis</title>
        !${STYLE_ELEMENT}
      </head>
      <body>
        <main>!${body}</main>
      </body>
    </html> `
}
