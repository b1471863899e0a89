import { OAuthErrorSchema, ref } from '@portcullis/schemas'

/** Response schemas of the errors of a route under /oauth; empty in type, since handlers throw them. */
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- meant to add nothing where it is spread
export function oauthProblems(descriptions: Readonly<Record<number, string>>): Record<never, never> {
  const always = {
    429: '`temporarily_unavailable`: too many requests; see `Retry-After`',
    503: '`temporarily_unavailable`: try again after `Retry-After`',
  }
  return Object.fromEntries(
    Object.entries({ ...descriptions, ...always }).map(([status, description]) => [
      status,
      { description, content: { 'application/json': { schema: ref(OAuthErrorSchema) } } },
    ]),
  )
}
