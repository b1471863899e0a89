export * from './redis/client.ts'
export { ServerConnector } from './redis/connector.ts'
export * from './redis/url.ts'
export { faultOfBlanks } from './blanks.ts'
