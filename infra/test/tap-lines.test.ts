import t from 'tap'
import { TapLines } from '../dev/tap-lines.ts'

const output = `TAP version 14
1..2
# Subtest: a.test.ts
    # Subtest: fine
        ok 1 - fine
        1..1
    ok 1 - fine # time=1ms
    
    1..1
    # time=2ms
ok 1 - a.test.ts # time=2ms
# Subtest: b.test.ts
    said by the test
    # Subtest: outer
        # Subtest: inner
            ok 1 - fine
            not ok 2 - should be equal
              ---
              diff: |
                -2
                +1
              ...
            
            1..2
        not ok 1 - inner # time=1ms
          ---
          source: of no interest
          ...
    not ok 1 - outer # time=1ms
      ---
      source: of no interest
      ...
    
    1..1
not ok 2 - b.test.ts # time=3ms
  ---
  args:
    - --of-no-interest
  ...

# { total: 3, pass: 2, fail: 1 }
# time=10ms`

t.test(
  'a file that passed is one line, and a failure shows its innermost test and what the file printed',
  async (t) => {
    const printed: string[] = []
    const lines = new TapLines((line) => printed.push(line))
    for (const line of output.split('\n')) lines.take(line)
    t.strictSame(printed, [
      'ok          2ms  a.test.ts',
      'FAIL        3ms  b.test.ts',
      '     said by the test',
      '             ✖ should be equal',
      '               diff: |',
      '                 -2',
      '                 +1',
      '         in inner',
      '     in outer',
      '{ total: 3, pass: 2, fail: 1 }',
      'time=10ms',
    ])
  },
)
