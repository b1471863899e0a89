/** Ways to write what some service reads as a path for users or admins. */
export const AMBIGUOUS_PATHS: readonly string[] = [
  '/app/admin',
  '/app//admin/x',
  '//app/admin/x',
  '//open/app/admin/x',
  '/%2fopen/app/admin/x',
  '/app/./admin/x',
  '/app/x/../admin/x',
  '/app/admin/../../open/x',
  '/app/admin/..',
  '/app/admin/%2e%2E?x',
  'http://localhost/app/admin/../../open/x',
  'http://localhost//open/app/admin/x',
  '/app/admin/%2e%2e/%2E./open/x',
  '/app/admin/x%2f..%2f..%2f../open/x',
  '/app/admin/..%2F..%2Fopen/x',
  '/open/../app/admin/x',
  '/open/%2e%2e/app/admin/x',
  '/open/..%2fapp/admin/x',
  '/app/%61dmin/x',
  '/%61pp/admin/x',
  '/app%2fadmin/x',
  '/app/ADMIN/x',
  '/app/admin%3fx',
  '/app/admin%23x',
  '/app/admin%20',
  '/app/x\\..\\admin/x',
  '/open/..\\app\\admin/x',
  '/open/..%5capp/admin/x',
  '/open\\..\\app/admin/x',
  '/\\open/app/admin/x',
  '/open/..;/app/admin/x',
  '/open/..%3bx/app/admin/x',
  '/app/x/..;x=y/admin/x',
  '/app/;x/admin/x',
  '/open/.%09./app/admin/x',
  '/open/%2e%2e%0d/app/admin/x',
  '/app/.%0A./admin/x',
  '/app/adm%0ain/x',
  '/open/%00/../../app/admin/x',
  '/open/%00;/../../app/admin/x',
  '/open/%252e%252e/app/admin/x',
  '/open/..%252fapp/admin/x',
  '/open/..%255capp/admin/x',
  '/open/..%25252fapp/admin/x',
  '/app/%2561dmin/x',
]

/** Paths for users that every service reads in the same way. */
export const PLAIN_PATHS: readonly string[] = [
  '/app/x/',
  '/app/.hidden/a..b/c.',
  "/app/caf%C3%A9%20%2b+~!@$&'()*,:=",
  '/app/a%2fb',
  '/app/100%25',
  '/app/x?next=//a/../b%2f..%5c;%0d%0a%252e\\',
]

/** How services read the path of a request. There are those that do not know what dots mean, and those that do. */
const READINGS: readonly ((path: string) => string)[] = [
  decoded,
  resolved,
  (path) => resolved(merged(decoded(path))),
  (path) => resolved(merged(decoded(decoded(path)))),
  (path) => resolved(merged(decoded(decoded(decoded(path))))),
  // What follows a semicolon is not of the path, but a parameter of its segment.
  (path) => resolved(merged(decoded(path).replaceAll(/;[^/]*/g, ''))),
]

/** Whether there are services for whom the path begins so. */
export function mayBeginWith(beginning: string, path: string): boolean {
  return READINGS.some((read) => read(path).toLowerCase().startsWith(beginning))
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function merged(path: string): string {
  return path.replaceAll(/\/+/g, '/')
}

/** As browsers do it, and Node: a backslash is a slash, tabs and line breaks are nothing, and two slashes begin a host. */
function resolved(path: string): string {
  return URL.parse(path, 'http://service')?.pathname ?? path
}
