import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import { Tally } from '../tally.ts'
import { login, signUp, tryRefresh } from '../users.ts'

export const promotedStandby: Fault = {
  name: 'a standby promoted with 5 commits missing',
  async inject(stage) {
    const tally = new Tally(stage)
    const user = await signUp(stage.auth(0))
    const standby = await stage.database.addStandby()
    const pairs = await Promise.all(Array.from({ length: 6 }, (_, index) => login(stage.auth(index), user)))
    const [untouched, ...lost] = pairs
    const epoch = (await stage.verifiers[0]?.ask())?.epoch ?? 0
    standby.cut()
    for (const [index, { access_token }] of lost.entries())
      await tally.logout(stage.auth(index), access_token)
    const began = performance.now()
    await standby.promote()
    while (((await stage.verifiers[0]?.ask())?.epoch ?? 0) <= epoch) await sleep(10)
    const raisedAfter = performance.now() - began
    const [fresh] = await stage.addVerifiers(1)
    const finding = await tally.settle()
    let refreshed = 0
    for (const [index, pair] of lost.entries())
      if (typeof (await tryRefresh(stage.auth(index), pair)) === 'object') refreshed++
    const next = untouched && (await tryRefresh(stage.auth(0), untouched))
    const isBack =
      typeof next === 'object' && (await stage.verifiers[0]?.accepted([next.access_token]))?.length === 1
    if (fresh) await stage.removeVerifier(fresh)
    return {
      ...finding,
      accepted: finding.accepted + refreshed,
      note: `epoch raised after ${(raisedAfter / 1000).toFixed(2)} s, ${refreshed} of the five refreshed, others ${isBack ? 'refresh' : 'are lost'}`,
    }
  },
}

export const restoredBackup: Fault = {
  name: "yesterday's backup restored, and revoke-all",
  async inject(stage) {
    const tally = new Tally(stage)
    const user = await signUp(stage.auth(0))
    const before = await Promise.all([0, 1, 2].map((index) => login(stage.auth(index), user)))
    const backup = await stage.database.backUp()
    const after = await Promise.all([0, 1, 2].map((index) => login(stage.auth(index), user)))
    await tally.logout(stage.auth(0), before[0]?.access_token ?? '')
    await stage.database.restore(backup)
    const status = await stage.portcullis('revoke-all')
    for (const { access_token } of [...before, ...after]) await tally.revoked(status, access_token)
    const finding = await tally.settle()
    let refreshed = 0
    for (const [index, pair] of [...before, ...after].entries())
      if (typeof (await tryRefresh(stage.auth(index), pair)) === 'object') refreshed++
    const next = await login(stage.auth(0), user)
    const counts = await Promise.all(
      stage.verifiers.map((verifier) => verifier.accepted([next.access_token])),
    )
    const refused = stage.verifiers.length - counts.flat().length
    return {
      ...finding,
      accepted: finding.accepted + refreshed,
      note: `${refreshed} old sessions refreshed, a new token refused by ${refused}`,
    }
  },
}
