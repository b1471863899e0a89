import { createHash } from 'node:crypto'
import t from 'tap'
import { PROBLEMS } from '@portcullis/schemas'
import { appWithRoutes, ISSUER } from '../support/app.ts'
import { problemOf } from '../support/problem.ts'

const app = appWithRoutes({ corsOrigins: ['https://app.example.com'] })
t.teardown(() => app.close())

/** What browsers send. */
const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

t.test(
  'the type of each problem leads to what it means: JSON for programs, a page for browsers',
  async (t) => {
    for (const [code, { title, status }] of Object.entries(PROBLEMS)) {
      const response = await app.inject({ url: `/problems/${code}`, headers: { accept: '*/*' } })
      t.match(response.json(), { code, type: `${ISSUER}/problems/${code}`, title, status })
      const page = await app.inject({ url: `/problems/${code}`, headers: BROWSER })
      t.equal(page.headers['content-type'], 'text/html; charset=utf-8')
      t.equal(page.headers.vary, 'Origin, Accept')
      for (const text of [`<h1>${title}</h1>`, `<code>${code}</code>`])
        t.ok(page.body.includes(text), `${code}: ${text}`)
    }
    t.equal((await problemOf(t, app, { url: '/problems/toString' })).code, 'NOT_FOUND')
    t.equal((await problemOf(t, app, { url: '/problems/TOSTRING', headers: BROWSER })).code, 'NOT_FOUND')
  },
)

t.test('there is a list of all problems, as JSON and as a page', async (t) => {
  const codes = Object.keys(PROBLEMS)
  const list = (await app.inject('/problems')).json<{ items: { code: string }[] }>()
  t.strictSame(
    list.items.map(({ code }) => code),
    codes,
  )
  const page = await app.inject({ url: '/problems', headers: BROWSER })
  for (const code of codes) t.ok(page.body.includes(`<a href="/problems/${code}">`), code)
})

t.test(
  'the pages hold no script, no markup of the texts, and a style that their policy lets in',
  async (t) => {
    for (const url of ['/problems', '/problems/AUTH_TOKEN_MISSING']) {
      const { body, headers } = await app.inject({ url, headers: BROWSER })
      t.notMatch(body, /<script|javascript:|<access token>| on\w+=/)
      const style = /<style>([^]*)<\/style>/.exec(body)?.[1] ?? ''
      const hash = createHash('sha256').update(style).digest('base64')
      t.match(headers['content-security-policy'], `style-src 'sha256-${hash}'`)
      t.match(headers['content-security-policy'], "default-src 'none'")
    }
    const { body } = await app.inject({ url: '/problems/AUTH_TOKEN_MISSING', headers: BROWSER })
    t.match(body, '<code>Authorization: Bearer &#60;access token&#62;</code>')
  },
)
