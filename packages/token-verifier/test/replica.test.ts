import t from 'tap'
import { FakeClock } from '@portcullis/test-kit'
import { instant, Replica } from '@portcullis/token-verifier'
import { event, userClaims } from './support/events.ts'

function filled(clock = new FakeClock(1e12)): Replica {
  const replica = new Replica({ clock })
  replica.apply([event(1, 'a'), event(2, 'b')])
  replica.advance({ epoch: 1, seq: 2, base: 0 }, instant(clock))
  return replica
}

const isDead = (replica: Replica, claims = userClaims(), kid = 'kid') => replica.isRevoked(claims, kid)

t.test('each kind kills what it names, and nothing else', async (t) => {
  const client = { ...userClaims({ sub: 'client', client_id: 'client', ver: 3 }), scope: '' }
  const { sid: _sid, gen: _gen, roles: _roles, username: _username, ...clientClaims } = client
  const cases = [
    { kills: event(1, 'session'), claims: userClaims() },
    { kills: event(1, 'session', { kind: 'session_gen', value: 2 }), claims: userClaims({ gen: 1 }) },
    { spares: event(1, 'session', { kind: 'session_gen', value: 1 }), claims: userClaims({ gen: 1 }) },
    { kills: event(1, 'user', { kind: 'user', value: 2 }), claims: userClaims({ ver: 1 }) },
    { spares: event(1, 'user', { kind: 'user', value: 2 }), claims: userClaims({ ver: 2 }) },
    { kills: event(1, 'token', { kind: 'token' }), claims: userClaims() },
    { kills: event(1, 'kid', { kind: 'key' }), claims: userClaims() },
    { kills: event(1, 'client', { kind: 'client', value: 4 }), claims: clientClaims },
    { spares: event(1, 'client', { kind: 'client', value: 3 }), claims: clientClaims },
    { spares: event(1, 'portcullis', { kind: 'client', value: 9 }), claims: userClaims() },
    { spares: event(1, 'other'), claims: userClaims() },
    { spares: event(1, 'session', { kind: 'token' }), claims: userClaims() },
    { kills: event(1, 'kid', { kind: 'key' }), claims: clientClaims },
    { kills: event(1, 'token', { kind: 'token' }), claims: clientClaims },
  ]
  for (const { kills, spares, claims } of cases) {
    const replica = new Replica()
    replica.apply([kills ?? spares ?? event(1, '')])
    t.equal(replica.isRevoked(claims, 'kid'), kills !== undefined, JSON.stringify(kills ?? spares))
  }
})

t.test('of several events about one thing the highest counts, in whatever order they come', async (t) => {
  const replica = new Replica()
  replica.apply([event(1, 'user', { kind: 'user', value: 5 }), event(2, 'user', { kind: 'user', value: 3 })])
  t.ok(isDead(replica, userClaims({ ver: 4 })))
  t.notOk(isDead(replica, userClaims({ ver: 5 })))
})

t.test(
  'the age is infinite until a head is reached, and then counts from the moment the head was asked for',
  async (t) => {
    const clock = new FakeClock(1e12)
    const replica = new Replica({ clock })
    const asked = instant(clock)
    clock.advance(70)
    t.equal(replica.advance({ epoch: 1, seq: 1, base: 0 }, asked), 'behind')
    t.equal(replica.age(), Infinity)
    replica.apply([event(1, 'a')])
    t.equal(replica.advance({ epoch: 1, seq: 1, base: 0 }, asked), 'covered')
    t.equal(replica.age(), 70)
    clock.advance(30)
    t.equal(replica.age(), 100)
  },
)

t.test('a clock that is set back makes nothing younger, one that is set ahead makes all older', async (t) => {
  const clock = new FakeClock(1e12)
  const replica = filled(clock)
  clock.advance(500)
  clock.set(1e12 - 600_000)
  t.equal(replica.age(), 500)
  clock.set(1e12 + 600_000)
  t.equal(replica.age(), 600_000)
})

t.test('an older question that is answered later makes nothing older', async (t) => {
  const clock = new FakeClock(1e12)
  const replica = filled(clock)
  const early = instant(clock)
  clock.advance(100)
  replica.advance({ epoch: 1, seq: 2, base: 0 }, instant(clock))
  replica.advance({ epoch: 1, seq: 2, base: 0 }, early)
  t.equal(replica.age(), 0)
})

t.test('the position moves with what follows without a gap, and stays at a hole', async (t) => {
  const replica = filled()
  t.ok(replica.apply([event(3, 'c')]))
  t.strictSame(replica.position, { epoch: 1, seq: 3 })
  t.notOk(replica.apply([event(5, 'session')]))
  t.strictSame(replica.position, { epoch: 1, seq: 3 })
  t.ok(isDead(replica), 'what lies behind the hole counts all the same')
  t.equal(replica.advance({ epoch: 1, seq: 5, base: 0 }), 'behind')
  replica.reload()
  t.strictSame(replica.position, { epoch: 1, seq: 3 }, 'what was held stays held')
  replica.apply([1, 2, 3, 4, 5].map((seq) => event(seq, `${seq}`)))
  t.equal(replica.advance({ epoch: 1, seq: 5, base: 0 }), 'covered')
  t.strictSame(replica.position, { epoch: 1, seq: 5 })
})

t.test('a log whose front is missing is not whole', async (t) => {
  const replica = new Replica()
  replica.apply([event(4, 'd'), event(5, 'e')])
  t.equal(replica.advance({ epoch: 1, seq: 5, base: 2 }), 'behind')
  t.equal(replica.advance({ epoch: 1, seq: 5, base: 3 }), 'covered')
})

t.test('an empty log is whole only if all of it has been dropped', async (t) => {
  t.equal(new Replica().advance({ epoch: 1, seq: 7, base: 6 }), 'behind')
  const replica = new Replica()
  t.equal(replica.advance({ epoch: 1, seq: 7, base: 7 }), 'covered')
  t.strictSame(replica.position, { epoch: 1, seq: 7 })
  t.ok(replica.apply([event(8, 'h')]))
  t.strictSame(replica.position, { epoch: 1, seq: 8 })
})

t.test('a new epoch kills older tokens at once, and asks for its log', async (t) => {
  const replica = filled()
  t.notOk(isDead(replica, userClaims({ ep: 1 })))
  t.equal(replica.advance({ epoch: 2, seq: 3, base: 2 }), 'behind')
  t.ok(isDead(replica, userClaims({ ep: 1 })))
  t.notOk(isDead(replica, userClaims({ ep: 2 })))
  t.strictSame(replica.position, { epoch: 1, seq: 2 })
  replica.apply([event(3, 'session', { epoch: 2 })])
  t.equal(replica.advance({ epoch: 2, seq: 3, base: 2 }), 'covered')
  t.strictSame(replica.position, { epoch: 2, seq: 3 })
  t.ok(isDead(replica, userClaims({ ep: 2 })))
})

t.test(
  'places of an older epoch are not taken for those of a newer one that have the same numbers',
  async (t) => {
    const replica = new Replica()
    replica.apply([event(1, 'a'), event(2, 'b')])
    t.equal(replica.advance({ epoch: 2, seq: 1, base: 0 }), 'behind')
    replica.apply([event(2, 'd', { epoch: 2 })])
    t.equal(replica.advance({ epoch: 2, seq: 2, base: 0 }), 'behind', 'the first of the new epoch is missing')
    replica.reload()
    replica.apply([event(1, 'c', { epoch: 2 }), event(2, 'd', { epoch: 2 })])
    t.equal(replica.advance({ epoch: 2, seq: 2, base: 0 }), 'covered')
    t.strictSame(replica.position, { epoch: 2, seq: 2 })
    t.ok(isDead(replica, userClaims({ sid: 'b', ep: 2 })), 'what is held stays held')
  },
)

t.test('events of an epoch that no head has named move no position', async (t) => {
  const replica = filled()
  replica.apply([event(3, 'c', { epoch: 9 })])
  t.strictSame(replica.position, { epoch: 1, seq: 2 })
  t.equal(replica.epoch, 1)
})

t.test('heads of an older epoch, and heads that cannot be, are refused', async (t) => {
  const replica = filled()
  replica.advance({ epoch: 2, seq: 2, base: 0 })
  t.equal(replica.advance({ epoch: 1, seq: 2, base: 0 }), 'refused')
  t.equal(replica.advance({ epoch: 2, seq: 2, base: 3 }), 'refused')
  t.equal(replica.epoch, 2)
})

t.test('an entry goes when base has passed it and its time is over, and not before', async (t) => {
  const clock = new FakeClock(1e12)
  const replica = new Replica({ clock })
  const keepUntil = 1e12 + 60_000
  replica.apply([event(1, 'session', { keep_until: keepUntil }), event(2, 'b', { keep_until: keepUntil })])
  replica.advance({ epoch: 1, seq: 2, base: 1 })
  t.ok(isDead(replica), 'a base that comes too early drops nothing')
  clock.advance(60_001)
  t.ok(isDead(replica), 'time alone drops nothing')
  replica.advance({ epoch: 1, seq: 2, base: 1 })
  t.notOk(isDead(replica))
  t.equal(replica.entries, 1)
})

t.test('a full replica takes no more and grows old, until base makes room', async (t) => {
  const clock = new FakeClock(1e12)
  const replica = new Replica({ clock, maxEntries: 3 })
  const keep_until = 1e12
  const events = [1, 2, 3, 4].map((seq) => event(seq, `${seq}`, { keep_until }))
  t.notOk(replica.apply(events))
  t.ok(replica.full)
  t.equal(replica.advance({ epoch: 1, seq: 4, base: 0 }, instant(clock)), 'behind')
  t.equal(replica.age(), Infinity)
  replica.advance({ epoch: 1, seq: 4, base: 2 }, instant(clock))
  replica.reload()
  t.ok(replica.apply(events.slice(2)))
  t.equal(replica.advance({ epoch: 1, seq: 4, base: 2 }, instant(clock)), 'covered')
})

/** Three entries of epoch 1, and no room for a fourth. */
function brimful(options: { yieldsToEpochs?: boolean } = { yieldsToEpochs: true }) {
  const clock = new FakeClock(1e12)
  const replica = new Replica({ clock, maxEntries: 3, ...options })
  replica.advance({ epoch: 1, seq: 0, base: 0 })
  replica.apply([event(1, 'a'), event(2, 'b'), event(3, 'c')])
  t.equal(replica.advance({ epoch: 1, seq: 3, base: 0 }, instant(clock)), 'covered')
  t.notOk(replica.apply([event(4, 'd')]))
  return { replica, now: () => instant(clock) }
}

t.test('a full replica of a verifier serves again when a new epoch begins', async (t) => {
  const { replica, now } = brimful()
  const key = event(5, 'kid', { kind: 'key', epoch: 9 })
  const head = { epoch: 9, seq: 5, base: 4 }
  replica.reload()
  t.notOk(replica.apply([key]), 'before the head says that there is a new epoch, everything counts')
  t.equal(replica.advance(head, now()), 'behind')
  t.equal(replica.entries, 0)
  t.ok(isDead(replica, userClaims({ sid: 'a', ep: 1 })), 'by its epoch')
  t.ok(replica.apply([key]))
  t.equal(replica.advance(head, now()), 'covered')
  t.ok(isDead(replica, userClaims({ ep: 9 }), 'kid'), 'a key that was given up stays dead')
  t.equal(brimful().replica.advance({ epoch: 9, seq: 4, base: 4 }), 'covered', 'there is nothing to read')
})

t.test(
  'what was read of a new epoch before it was heard of does not count when all is forgotten',
  async (t) => {
    const clock = new FakeClock(1e12)
    const replica = new Replica({ clock, maxEntries: 3, yieldsToEpochs: true })
    const other = replica.reader()
    const key = event(3, 'kid', { kind: 'key', epoch: 9 })
    const head = { epoch: 9, seq: 3, base: 2 }
    for (const reader of [replica, other]) reader.apply([event(1, 'a'), event(2, 'b')])
    replica.advance({ epoch: 1, seq: 2, base: 0 }, instant(clock))
    for (const reader of [replica, other]) reader.apply([key])
    t.ok(replica.full)
    for (const reader of [replica, other]) t.equal(reader.advance(head), 'behind')
    t.strictSame(replica.position, { epoch: 1, seq: 2 })
    t.ok(other.apply([key]))
    t.equal(other.advance(head), 'covered')
    t.ok(isDead(replica, userClaims({ ep: 9 }), 'kid'))
  },
)

t.test(
  'a full replica forgets nothing by entries, by its own epoch, or if it is not a verifier’s',
  async (t) => {
    const { replica } = brimful()
    replica.apply([event(5, 'x', { epoch: 9 })])
    replica.advance({ epoch: 1, seq: 4, base: 3 })
    t.equal(replica.entries, 3)
    const auths = brimful({})
    auths.replica.advance({ epoch: 9, seq: 4, base: 4 })
    t.equal(auths.replica.held('session', 'a'), 0)
  },
)

t.test('two readers feed one replica without disturbing each other', async (t) => {
  const clock = new FakeClock(1e12)
  const replica = filled(clock)
  const other = replica.reader()
  other.apply([event(3, 'c')])
  t.strictSame(replica.position, { epoch: 1, seq: 2 }, 'a reader that has not read the front has no position')
  other.reload()
  other.apply([event(1, 'a'), event(2, 'b'), event(3, 'c')])
  t.equal(other.advance({ epoch: 1, seq: 3, base: 0 }), 'covered')
  t.strictSame(replica.position, { epoch: 1, seq: 3 })
  t.equal(replica.advance({ epoch: 1, seq: 2, base: 0 }), 'covered')
  t.strictSame(replica.position, { epoch: 1, seq: 3 }, 'the slower one holds nothing back')
})

t.test('who waits is told when the position moves', async (t) => {
  const replica = filled()
  const seen: number[] = []
  const forget = replica.onChange(() => seen.push(replica.position.seq))
  replica.apply([event(3, 'c')])
  forget()
  replica.apply([event(4, 'd')])
  t.strictSame(seen, [3])
})
