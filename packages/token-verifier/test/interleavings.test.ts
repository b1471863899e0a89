import fc from 'fast-check'
import t from 'tap'
import { Simulation, type Op } from './support/simulation.ts'

const of = <O extends Op>(weight: number, arbitrary: fc.Arbitrary<O>) => ({ weight, arbitrary })
const just = (op: 'relay' | 'ack' | 'epoch' | 'prune' | 'flush' | 'repeat') => fc.constant({ op })

const usual = [
  of(10, fc.record({ op: fc.constant('commit' as const), session: fc.nat(30) })),
  of(10, just('relay')),
  of(10, fc.record({ op: fc.constant('read' as const), most: fc.constantFrom(1, 2, 3, 2000) })),
  of(6, just('ack')),
  of(6, fc.record({ op: fc.constant('pass' as const), ms: fc.nat(300) })),
]
const faults = [
  of(1, fc.record({ op: fc.constant('pass' as const), ms: fc.nat(20 * 60_000) })),
  of(1, just('epoch')),
  of(1, fc.record({ op: fc.constant('promote' as const), missing: fc.nat(5) })),
  of(1, just('prune')),
  of(1, just('flush')),
  of(1, fc.record({ op: fc.constant('lose' as const), most: fc.nat(5) })),
  of(1, just('repeat')),
  of(1, fc.record({ op: fc.constant('foreign' as const), fields: fc.array(fc.string()), seq: fc.nat(3) })),
  of(1, fc.record({ op: fc.constant('turn' as const), ms: fc.integer({ min: -600_000, max: 600_000 }) })),
]

function run(ops: readonly Op[]): Simulation {
  const simulation = new Simulation()
  for (const op of ops) {
    simulation.step(op)
    const wrong = simulation.wronglyAccepted()
    if (wrong.length > 0) throw new Error(`accepted after ${JSON.stringify(op)}: ${wrong.join()}`)
  }
  return simulation
}

/** What two seconds without faults bring. */
function settle(simulation: Simulation): void {
  simulation.repair()
  for (let i = 0; i < 40; i++)
    for (const op of ['ack', 'relay', 'read', 'pass'] as const)
      simulation.step(op === 'read' ? { op, most: 2000 } : op === 'pass' ? { op, ms: 50 } : { op })
}

t.test(
  'accepted implies not revoked as of the age of the replica, whatever happens in whatever order',
  async (t) => {
    const ops = fc.array(fc.oneof(...usual, ...faults), { maxLength: 200, size: 'max' })
    fc.assert(
      fc.property(ops, (ops) => {
        run(ops)
      }),
      { numRuns: 3000 },
    )
    t.pass()
  },
)

t.test('when the faults are over the verifier knows all there is', async (t) => {
  const ops = fc.array(fc.oneof(...usual, ...faults), { maxLength: 100, size: 'max' })
  fc.assert(
    fc.property(ops, (ops) => {
      const simulation = run(ops)
      settle(simulation)
      return simulation.isCaughtUp() && simulation.wronglyAccepted().length === 0
    }),
    { numRuns: 1000 },
  )
  t.pass()
})

t.test('beats that nobody who knows the log has said remove nothing', async (t) => {
  const beat = fc.record({
    op: fc.constant('beat' as const),
    epoch: fc.nat(1),
    seq: fc.nat(40),
    base: fc.nat(40),
  })
  const ops = fc.array(fc.oneof(...usual, of(5, beat)), { maxLength: 200, size: 'max' })
  fc.assert(
    fc.property(ops, (ops) => {
      run(ops)
    }),
    { numRuns: 1000 },
  )
  t.pass()
})
