import t from 'tap'
import { FakeClock } from '@portcullis/test-kit'
import { Member, Replica } from '@portcullis/token-verifier'

const HEAD = { epoch: 1, seq: 0, base: 0 }

function setup() {
  const clock = new FakeClock()
  const replica = new Replica({ clock })
  const states: string[] = []
  const member = new Member({
    name: 'm',
    replica,
    maxAgeSeconds: 2,
    clock,
    onState: (state) => states.push(state),
  })
  const hear = (mark?: string, head = HEAD) => member.hear(replica, head, mark)
  return { clock, replica, member, states, hear }
}

t.test(
  'joining becomes live when a mark comes back with a head that is reached, and serves when a live one does',
  async (t) => {
    const { replica, member, hear, clock } = setup()
    const joining = member.ack()
    t.match(joining, { state: 'joining', position: '0-0', max_age: 2 })
    hear(undefined)
    hear('not one of ours')
    t.equal(member.state, 'joining')
    hear(joining.mark, { epoch: 1, seq: 5, base: 0 })
    t.equal(member.state, 'joining', 'not before the log has been read')
    t.ok(hear(joining.mark).urgent)
    t.equal(member.state, 'live')
    t.equal(replica.age(), Infinity)
    const live = member.ack()
    clock.advance(40)
    hear(joining.mark)
    t.equal(replica.age(), Infinity)
    hear(live.mark)
    t.equal(replica.age(), 40)
  },
)

t.test('a beat heard again makes nothing younger', async (t) => {
  const { replica, member, hear, clock } = setup()
  hear(member.ack().mark)
  const { mark } = member.ack()
  hear(mark)
  clock.advance(5000)
  hear(mark)
  t.equal(replica.age(), 5000)
})

t.test('after twice its greatest age in silence it joins again, and serves again', async (t) => {
  const { replica, member, hear, clock, states } = setup()
  hear(member.ack().mark)
  hear(member.ack().mark)
  clock.advance(4000)
  t.equal(member.ack().state, 'live')
  clock.advance(1)
  const before = member.ack()
  t.equal(before.state, 'joining')
  hear(before.mark)
  const live = member.ack()
  t.equal(live.state, 'live')
  hear(live.mark)
  t.equal(replica.age(), 0)
  t.equal(member.ack().state, 'live')
  t.strictSame(states, ['live', 'joining', 'live'])
})

t.test('a mark written before it joined again counts no more', async (t) => {
  const { replica, member, hear, clock } = setup()
  hear(member.ack().mark)
  const old = member.ack()
  clock.advance(5000)
  t.equal(member.ack().state, 'joining')
  hear(old.mark)
  t.equal(replica.age(), Infinity)
  t.equal(member.state, 'joining')
})

t.test('one that is leaving says so, whatever it hears', async (t) => {
  const { member, hear } = setup()
  const { mark } = member.ack()
  member.leave()
  hear(mark)
  t.equal(member.ack().state, 'leaving')
})

t.test('its marks are its own, and only so many are remembered', async (t) => {
  const { member, hear } = setup()
  const first = member.ack()
  t.not(first.mark, setup().member.ack().mark)
  for (let i = 0; i < 1024; i++) member.ack()
  hear(first.mark)
  t.equal(member.state, 'joining')
})
