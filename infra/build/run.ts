import { readArguments } from '../dev/arguments.ts'
import { buildServices } from './services.ts'

/** `npm run build`: both services as production runs them. */
readArguments('npm run build', {})
await buildServices()
