import { buildServices } from './services.ts'

/** `npm run build`: both services as production runs them. The image is built by it, without the rest of infra. */
await buildServices()
