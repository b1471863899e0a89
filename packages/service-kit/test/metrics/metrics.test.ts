import t from 'tap'
import { Registry } from 'prom-client'
import { measureReplica } from '@portcullis/service-kit'
import { appWithRoutes } from '../support/app.ts'

/** The values that are told, by the names of their series. */
async function valuesOf(registry: Registry): Promise<Map<string, number>> {
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const [, name = '', value] = /^(.*) (\S+)$/.exec(line) ?? []
      return [name, Number(value?.replace('Inf', 'Infinity'))]
    }),
  )
}

t.test(
  'a replica tells neither epoch nor position before it has read the log, but that it is old',
  async (t) => {
    const registry = new Registry()
    const replica = { age: () => Infinity, position: { epoch: 0, seq: 0 }, entries: 0 }
    measureReplica(registry, replica)
    t.strictSame(
      await valuesOf(registry),
      new Map([
        ['revocation_replica_age_seconds', Infinity],
        ['revocation_replica_entries', 0],
      ]),
    )

    Object.assign(replica, { age: () => 250, position: { epoch: 1, seq: 0 }, entries: 3 })
    t.strictSame(
      await valuesOf(registry),
      new Map([
        ['revocation_replica_age_seconds', 0.25],
        ['revocation_replica_seq', 0],
        ['revocation_replica_epoch', 1],
        ['revocation_replica_entries', 3],
      ]),
      'the position of an empty log is one, too',
    )
  },
)

t.test('problems are counted from zero, so that the first of each is a rise', async (t) => {
  const app = appWithRoutes()
  t.teardown(() => app.close())
  await app.ready()
  const count = async (code: string) =>
    (await valuesOf(app.metrics)).get(`problems_total{code="${code}",service="things"}`)
  t.equal(await count('INTERNAL'), 0)
  t.equal(await count('AUTH_FORBIDDEN'), 0)
  await app.inject('/refused')
  t.equal(await count('AUTH_FORBIDDEN'), 1)
  t.equal(await count('INTERNAL'), 0)
})
