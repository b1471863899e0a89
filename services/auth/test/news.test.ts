import t from 'tap'
import { News } from '../src/database/news.ts'

const LONG_MS = 600_000

t.test('news', async (t) => {
  await t.test('wakes everybody who waits', async (t) => {
    const news = new News()
    const { count } = news
    const waiting = Promise.all([news.after(count, LONG_MS), news.after(count, LONG_MS)])
    news.tell()
    await waiting
    t.equal(news.count, count + 1)
  })

  await t.test('that came between looking and waiting is not waited for', async (t) => {
    const news = new News()
    const { count } = news
    news.tell()
    await news.after(count, LONG_MS)
    t.pass('it resolves')
  })

  await t.test('is waited for no longer than asked', async (t) => {
    const news = new News()
    await news.after(news.count, 1)
    await news.after(news.count, 0)
    t.equal(news.count, 0)
  })
})
