import { Compile } from 'typebox/compile'
import { TokenPairSchema } from '@portcullis/schemas'
import { measure, medianOf, type Load, type Measure, type Pace } from '../compare.ts'
import { ratio, type Row } from '../report.ts'
import type { Stage } from '../stage.ts'
import { create, logIn, newUser } from '../user.ts'

const isPair = Compile(TokenPairSchema)
const CONNECTIONS = 16
const JSON_TYPE = { 'content-type': 'application/json' }

/** `POST /refresh`, against one statement and the two signatures. */
export async function refresh(stage: Stage, { rounds, seconds }: Pace): Promise<Row[]> {
  const user = await newUser(stage)
  const id = await create(stage, user, 'tasks', { title: 'A row to be updated' })
  const reference = await stage.reference()
  const bare: Load = {
    server: reference,
    path: '/refresh',
    method: 'POST',
    headers: JSON_TYPE,
    body: JSON.stringify({ id }),
    connections: CONNECTIONS,
  }
  const measured: { ours: Measure[]; bare: Measure[] } = { ours: [], bare: [] }
  for (let round = 0; round <= rounds; round++) {
    // What a connection had under way when a round ended is not known: every round has sessions of its own.
    const ours = await measure(await chainOf(stage, user.username), round === 0 ? 1 : seconds)
    const theirs = await measure(bare, round === 0 ? 1 : seconds)
    if (round > 0) measured.ours.push(ours)
    if (round > 0) measured.bare.push(theirs)
  }
  await reference.stop()
  return [ratio('POST /refresh', medianOf(measured.ours), medianOf(measured.bare), 0.8)]
}

async function chainOf(stage: Stage, username: string): Promise<Load> {
  const first: string[] = []
  for (let n = 0; n < CONNECTIONS * 2; n++) {
    first.push((await logIn(stage, username)).refresh_token)
  }
  return {
    server: stage.auth,
    path: '/api/v1/refresh',
    method: 'POST',
    headers: JSON_TYPE,
    connections: CONNECTIONS,
    chain: {
      first,
      body: (token) => JSON.stringify({ refresh_token: token }),
      next: (answer) => isPair.Parse(JSON.parse(answer)).refresh_token,
    },
  }
}
