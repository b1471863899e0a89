import type { Locator, Page } from 'playwright-core'

const PATIENCE_MS = 15_000

/** A page of swagger-ui, used as a person does. */
export class DocsPage {
  readonly #page: Page
  /** What the browser has complained of: errors of scripts, of the policy for contents, of loading. */
  readonly complaints: string[] = []

  constructor(page: Page) {
    this.#page = page
    page.setDefaultTimeout(PATIENCE_MS)
    page.on('pageerror', (error) => this.complaints.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text())
    })
    page.on('requestfailed', (request) => this.complaints.push(`${request.url()} could not be loaded`))
  }

  /** Opens the page, and waits until it shows routes. */
  async open(url: string): Promise<void> {
    await this.#page.goto(url)
    await this.#page.locator('.opblock').first().waitFor()
  }

  /** Titles of the window and of the page; the latter with its version. */
  async titles(): Promise<readonly [string, string]> {
    return [await this.#page.title(), await textOf(this.#page.locator('.info .title'))]
  }

  async tags(): Promise<(string | null)[]> {
    const headings = await this.#page.locator('.opblock-tag').all()
    return Promise.all(headings.map((heading) => heading.getAttribute('data-tag')))
  }

  countOperations(): Promise<number> {
    return this.#page.locator('.opblock').count()
  }

  /** Sends the request that the form of an operation holds, its example; gives what the page then shows. */
  async tryIt(tag: string, operationId: string): Promise<Shown> {
    const operation = this.#page.locator(`#operations-${tag}-${operationId}`)
    await operation.scrollIntoViewIfNeeded()
    await operation.locator('.opblock-summary-control').click()
    await operation.locator('button.execute').click()
    const answer = operation.locator('.live-responses-table')
    await answer.waitFor()
    return {
      status: Number.parseInt(await textOf(answer.locator('tbody .response-col_status')), 10),
      body: await textOf(
        answer.locator('tbody .response-col_description .highlight-code .microlight').first(),
      ),
      command: await textOf(operation.locator('.curl')),
      operation,
    }
  }

  /** Gives the token to the page, as its Authorize button asks for it. */
  async authorize(token: string): Promise<void> {
    await this.#page.locator('.auth-wrapper button.authorize').click()
    const form = this.#page.locator('.auth-container form').filter({ hasText: 'bearer' }).first()
    await form.locator('input').first().fill(token)
    await form.locator('button[type=submit]').click()
    await form.getByRole('heading', { name: 'Authorized' }).waitFor()
    await form.locator('button.btn-done').click()
  }

  async screenshot(path: string, fullPage = false): Promise<void> {
    await this.#page.screenshot({ path, fullPage })
  }
}

export interface Shown {
  readonly status: number
  readonly body: string
  /** The request as a command for curl. */
  readonly command: string
  readonly operation: Locator
}

async function textOf(locator: Locator): Promise<string> {
  return (await locator.textContent()) ?? ''
}
