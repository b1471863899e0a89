import t from 'tap'
import { Unproven } from '../../src/revocation/unproven.ts'

t.test('a look at the log proves what was committed before it began, and nothing else', async (t) => {
  const unproven = new Unproven()
  const [before, meanwhile] = [
    { epoch: 1, seq: 1 },
    { epoch: 1, seq: 2 },
  ]
  const proven = () => [before, meanwhile].map((position) => !unproven.has(position))
  unproven.add([before])
  const end = unproven.look()
  unproven.add([meanwhile])
  t.strictSame(proven(), [false, false])
  end()
  t.strictSame(proven(), [true, false])
  unproven.look()()
  t.strictSame(proven(), [true, true])
})
