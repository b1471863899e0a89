import { buildServices } from './services.ts'

/** `npm run build`: both services as production runs them. */
await buildServices()
