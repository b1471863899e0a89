import assert from 'node:assert/strict'
import { join } from 'node:path'
import { PROBLEMS } from '@portcullis/schemas'
import type { BrowserContext } from 'playwright-core'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { FreshPair } from '../dev/fresh-pair.ts'
import { fetchDocument } from '../dev/openapi.ts'
import { tabsShareASession } from './client-tabs.ts'
import { DocsPage } from './docs-page.ts'

export interface Stage {
  readonly context: BrowserContext
  readonly pair: FreshPair
  /** Folder for screenshots, if they are wanted. */
  readonly screenshots: string | undefined
}

interface Case {
  readonly title: string
  readonly run: (stage: Stage) => Promise<void>
}

const Pair = Compile(Type.Object({ access_token: Type.String() }))
const Posts = Compile(
  Type.Object({
    items: Type.Array(
      Type.Object({ title: Type.String(), author: Type.Object({ username: Type.String() }) }),
    ),
  }),
)
/** What the examples of the routes say, with which the page fills its forms in. */
const EXAMPLE = { username: 'ada.lovelace', title: 'Hello' }

const PHONE = { width: 375, height: 667 }

/** What has to work in a browser. */
export const cases: readonly Case[] = [
  {
    title: 'at /docs one signs up, logs in, authorizes, writes a post and finds it listed',
    run: walkThroughDocs,
  },
  { title: '/docs of auth shows every route of auth', run: showsEveryRoute('auth', 'Portcullis auth') },
  {
    title: '/docs of content shows every route of content',
    run: showsEveryRoute('content', 'Portcullis content'),
  },
  { title: '/docs fits a phone', run: fitsPhone },
  { title: 'each error code has a page that says what it means, and fits a phone', run: readsProblems },
  {
    title: 'tabs that have the client refresh once between them, and a logout in one ends all',
    run: ({ context, pair }) => tabsShareASession(context, pair.origin),
  },
]

async function walkThroughDocs({ context, pair: { origin }, screenshots }: Stage): Promise<void> {
  const page = new DocsPage(await context.newPage())
  const shoot = async (name: string) => {
    if (screenshots !== undefined) await page.screenshot(join(screenshots, `${name}.png`))
  }
  await page.open(`${origin}/docs`)
  await shoot('docs')
  await assertTitled(page, 'Portcullis')
  assert.deepEqual((await page.tags()).slice(0, 4), ['users', 'sessions', 'posts', 'tasks'])

  const signup = await page.tryIt('users', 'signup')
  await shoot('signup')
  assert.equal(signup.status, 201, signup.body)
  const login = await page.tryIt('sessions', 'login')
  await shoot('login')
  assert.equal(login.status, 200, login.body)
  await page.authorize(Pair.Parse(JSON.parse(login.body)).access_token)
  await shoot('authorized')

  const created = await page.tryIt('posts', 'createPost')
  await shoot('post')
  assert.equal(created.status, 201, created.body)
  const listed = await page.tryIt('posts', 'listPosts')
  await shoot('posts')
  assert.equal(listed.status, 200, listed.body)
  assert.doesNotMatch(listed.command, /authorization/i)
  const [first] = Posts.Parse(JSON.parse(listed.body)).items
  assert.deepEqual(first && [first.title, first.author.username], [EXAMPLE.title, EXAMPLE.username])
  assert.deepEqual(page.complaints, [])
}

function showsEveryRoute(service: 'auth' | 'content', title: string): Case['run'] {
  return async ({ context, pair, screenshots }) => {
    const url = service === 'auth' ? pair.authUrl : pair.contentUrl
    const page = new DocsPage(await context.newPage())
    await page.open(`${url}/docs`)
    if (screenshots !== undefined) await page.screenshot(join(screenshots, `${service}.png`), true)
    await assertTitled(page, title)
    const document = await fetchDocument(`${url}/openapi.json`)
    const routes = Object.values(document.paths).flatMap((item) =>
      Object.keys({ ...(typeof item === 'object' && item) }),
    )
    assert.equal(await page.countOperations(), routes.length)
    assert.deepEqual(page.complaints, [])
  }
}

async function fitsPhone({ context, pair: { origin }, screenshots }: Stage): Promise<void> {
  // A phone that is told nothing shows a page as wide as that of a desk, which a small window does not.
  const phone = await context.browser()?.newContext({ viewport: PHONE, isMobile: true, hasTouch: true })
  assert.ok(phone)
  const tab = await phone.newPage()
  const page = new DocsPage(tab)
  const shoot = async (name: string) => {
    if (screenshots !== undefined) await page.screenshot(join(screenshots, `phone-docs${name}.png`))
  }
  await page.open(`${origin}/docs`)
  await shoot('')
  const { status } = await page.tryIt('posts', 'listPosts')
  await shoot('-posts')
  assert.equal(status, 200)
  assert.equal(await tab.evaluate('innerWidth'), PHONE.width)
  assert.equal(await tab.evaluate('document.documentElement.scrollWidth'), PHONE.width)
  assert.deepEqual(page.complaints, [])
  await phone.close()
}

async function readsProblems({ context, pair: { origin }, screenshots }: Stage): Promise<void> {
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  await page.goto(`${origin}/problems`)
  if (screenshots !== undefined) await page.screenshot({ path: join(screenshots, 'problems.png') })
  await page.getByRole('link', { name: 'AUTH_TOKEN_MISSING' }).click()
  await page.getByRole('heading', { name: PROBLEMS.AUTH_TOKEN_MISSING.title }).waitFor()
  if (screenshots !== undefined) await page.screenshot({ path: join(screenshots, 'problem.png') })
  assert.equal(page.url(), `${origin}/problems/AUTH_TOKEN_MISSING`)
  await page.getByText('Authorization: Bearer <access token>').waitFor()
  assert.deepEqual(complaints, [])
  await page.setViewportSize(PHONE)
  for (const path of ['/problems', '/problems/AUTH_TOKEN_MISSING', '/problems/MEDIA_TYPE_UNSUPPORTED']) {
    await page.goto(`${origin}${path}`)
    if (screenshots !== undefined)
      await page.screenshot({ path: join(screenshots, `phone${path.replaceAll('/', '-')}.png`) })
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), PHONE.width, path)
  }
}

async function assertTitled(page: DocsPage, title: string): Promise<void> {
  const [ofWindow, ofPage] = await page.titles()
  assert.equal(ofWindow, title)
  assert.ok(ofPage.startsWith(title), ofPage)
}
