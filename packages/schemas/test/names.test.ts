import t from 'tap'
import { Value } from 'typebox/value'
import { EmailSchema, UsernameSchema } from '../src/index.ts'

t.test('names are ASCII, of which PostgreSQL and JavaScript make the same lower case', async (t) => {
  t.ok(Value.Check(UsernameSchema, 'Ada.L-1_'))
  t.ok(Value.Check(EmailSchema, 'Ada+1@Example.com'))
  for (let code = 0x80; code <= 0xff_ff; code += 1) {
    const letter = String.fromCharCode(code)
    const names = [`ada${letter}`, `${letter}@example.com`, `ada@${letter}.com`]
    if (Value.Check(UsernameSchema, names[0]) || names.some((name) => Value.Check(EmailSchema, name)))
      t.fail(`U+${code.toString(16)} is taken`)
  }
})
