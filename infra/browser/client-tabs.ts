import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import type { BrowserContext, Page, Response } from 'playwright-core'
import { root } from '../dev/places.ts'

const TABS = 3
const CALLS = 10
const ROUNDS = 3
const WHO = { username: 'mary.jackson', password: 'a wind tunnel of sixteen feet' }

/** A page that has a client of its own as `globalThis.tab`. */
const APP = `<!doctype html><title>app</title>
<script type="importmap">{"imports":{"openapi-fetch":"/app/openapi-fetch.mjs"}}</script>
<script type="module">
  import { browserStorage, createClient, unwrap } from '/app/index.ts'
  const client = createClient({ url: location.origin, storage: browserStorage() })
  const events = []
  client.session.subscribe((event) => events.push(event))
  globalThis.tab = { client, unwrap, events }
</script>`

/** Serves the page and the client's own sources on the origin of the API. */
async function serveApp(context: BrowserContext, origin: string): Promise<void> {
  await context.route(`${origin}/app`, (route) => route.fulfill({ contentType: 'text/html', body: APP }))
  await context.route(`${origin}/app/**`, async (route) => {
    const path = new URL(route.request().url()).pathname.slice('/app/'.length)
    const body = path.endsWith('.ts')
      ? stripTypeScriptTypes(await readFile(join(root, 'packages/client/src', path), 'utf8'))
      : await readFile(libraryFile(path), 'utf8')
    await route.fulfill({ contentType: 'text/javascript', body })
  })
}

function libraryFile(path: string): string {
  assert.equal(path, 'openapi-fetch.mjs')
  const { resolve } = createRequire(join(root, 'packages/client/package.json'))
  return join(resolve('openapi-fetch'), '../index.mjs')
}

/** Runs the body of an asynchronous function in a tab. */
function run(page: Page, body: string): Promise<unknown> {
  return page.evaluate(`(async () => { ${body} })()`)
}

/**
 * The client in several tabs of one browser: they go on with one session, and one logout is for all. A browser may
 * show what one tab has stored to another one a little late, which then refreshes too: but each no more than once, and
 * with the same result.
 */
export async function tabsShareASession(context: BrowserContext, origin: string): Promise<void> {
  await serveApp(context, origin)
  const refreshes: Response[] = []
  context.on('response', (response) => {
    if (response.url() === `${origin}/api/v1/refresh`) refreshes.push(response)
  })
  const first = await context.newPage()
  const others = await Promise.all(Array.from({ length: TABS - 1 }, () => context.newPage()))
  const tabs = [first, ...others]
  for (const page of tabs) {
    await page.goto(`${origin}/app`)
    await page.waitForFunction('globalThis.tab')
  }

  const body = JSON.stringify(WHO)
  await run(first, `await tab.unwrap(tab.client.auth.POST('/api/v1/signup', { body: ${body} }))`)
  await run(first, `await tab.unwrap(tab.client.auth.POST('/api/v1/login', { body: ${body} }))`)
  for (let round = 1; round <= ROUNDS; round += 1) {
    await run(first, SPOIL)
    const statuses = await Promise.all(tabs.map((page) => run(page, LIST)))
    assert.deepEqual(
      statuses.flat(),
      Array.from({ length: TABS * CALLS }, () => 200),
    )
    const answers = await Promise.all(refreshes.splice(0).map((response) => response.text()))
    assert.ok(answers.length >= 1 && answers.length <= TABS, `${answers.length} refreshes`)
    const [token, ...further] = new Set(answers.map((text) => /"refresh_token":"([^"]+)"/.exec(text)?.[1]))
    assert.ok(token)
    assert.deepEqual(further, [])
    for (const page of tabs) await page.waitForFunction(`${STORED}.refresh_token === '${token}'`)
  }

  await run(first, `await tab.unwrap(tab.client.auth.POST('/api/v1/logout'))`)
  for (const page of others) {
    await page.waitForFunction(`tab.events.some(({ type, elsewhere }) => type === 'signed-out' && elsewhere)`)
    assert.equal(await run(page, 'return tab.client.session.isSignedIn()'), false)
  }
}

const STORED = `JSON.parse(localStorage.getItem('portcullis'))`

/** Makes the stored access token one that nobody takes. */
const SPOIL = `
  const tokens = ${STORED}
  const [head, payload] = tokens.access_token.split('.')
  const access_token = [head, payload, 'A'.repeat(86)].join('.')
  localStorage.setItem('portcullis', JSON.stringify({ ...tokens, access_token }))`

const LIST = `
  const calls = Array.from({ length: ${CALLS} }, () => tab.client.content.GET('/api/v1/tasks'))
  return (await Promise.all(calls)).map(({ response }) => response.status)`
