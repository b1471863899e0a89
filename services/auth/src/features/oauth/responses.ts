import { OAuthErrorSchema, ref, type OAuthErrorBody } from '@portcullis/schemas'

/** Response schemas of the errors of a route under /oauth; empty in type, since handlers throw them. */
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- meant to add nothing where it is spread
export function oauthProblems(descriptions: Readonly<Record<number, string>>): Record<never, never> {
  const always = {
    413: '`invalid_request`: the form is longer than 32 KiB',
    415: '`invalid_request`: the body is no form',
    500: '`server_error`',
    429: '`temporarily_unavailable`: too many requests; see `Retry-After`',
    503: '`temporarily_unavailable`: try again after `Retry-After`',
  }
  return Object.fromEntries(
    Object.entries({ ...always, ...descriptions }).map(([status, description]) => [
      status,
      {
        description,
        content: { 'application/json': { schema: ref(OAuthErrorSchema), examples: examplesOf(description) } },
      },
    ]),
  )
}

/** One for each code that the description names. */
function examplesOf(description: string): Record<string, { value: OAuthErrorBody }> {
  const codes = [...description.matchAll(/`([a-z]+_[a-z_]+)`/g)].map(([, code = '']) => code)
  return Object.fromEntries(codes.map((error) => [error, { value: { error } }]))
}
