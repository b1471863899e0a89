export * from './database.ts'
export * from './redis.ts'
export * from './teardown.ts'
