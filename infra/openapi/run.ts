import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readArguments } from '../dev/arguments.ts'
import { startFreshPair } from '../dev/fresh-pair.ts'
import { root } from '../dev/places.ts'
import { Guard } from '../dev/processes.ts'
import { runMain } from '../dev/run-main.ts'
import { complain, say } from '../dev/screen.ts'
import { TYPED, typesFile, typesOf } from './client-types.ts'
import { checkedIn, folder, readDocuments } from './documents.ts'
import { lintDocuments } from './lint.ts'

/** Writes the OpenAPI documents of the services and the client's types, and lints the documents. */
readArguments('npm run openapi', {})

async function main(): Promise<number> {
  const pair = await startFreshPair('openapi', new Guard())
  try {
    const documents = await readDocuments({ auth: pair.authUrl, content: pair.contentUrl })
    mkdirSync(folder, { recursive: true })
    for (const [file, text] of documents) {
      const isNew = checkedIn(file) !== text
      if (isNew) writeFileSync(join(folder, file), text)
      say('openapi', `docs/openapi/${file} ${isNew ? 'written' : 'is as it was'}`)
    }
    for (const service of TYPED) {
      const types = await typesOf(service, documents.get(`${service}.json`) ?? '')
      writeFileSync(join(root, typesFile(service)), types)
      say('client', `${typesFile(service)} written`)
    }
    const faults = await lintDocuments([...documents.keys()])
    if (faults !== '') complain('lint', faults)
    return faults === '' ? 0 : 1
  } finally {
    await pair.stop()
  }
}

await runMain(main)
