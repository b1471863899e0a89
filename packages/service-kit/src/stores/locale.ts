import type { ClientBase } from 'pg'

/**
 * What a database is made with, whatever the server's defaults are, which may be of any language and encoding. PostgreSQL
 * brings this locale along; of the system's own it asks for `C` alone, which every system has.
 */
export const DATABASE_LOCALE =
  "template template0 encoding 'UTF8' locale 'C' locale_provider builtin builtin_locale 'C.UTF-8'"

/** What to do about a database that cannot be used. */
export const LOCALE_ADVICE =
  'drop it or name another one, and let `portcullis provision` or `npm start` make that, or make it by ' +
  `\`create database … ${DATABASE_LOCALE}\`; pg_dump brings data along`

/**
 * Why a database cannot be used, or undefined if it can. Usernames and emails are ASCII, unique by lower(), and found by
 * what JavaScript's toLowerCase() makes of them. Turkish locales lower I to something else, and no other letter
 * matters.
 */
export async function localeFault(client: Pick<ClientBase, 'query'>): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string; encoding: string; lowers: boolean }>(`
    select current_database() as name, current_setting('server_encoding') as encoding,
      lower('ABCDEFGHIJKLMNOPQRSTUVWXYZ') = 'abcdefghijklmnopqrstuvwxyz' as lowers`)
  const [database] = rows
  if (database === undefined) throw new Error('the database did not say what it is')
  const { name, encoding, lowers } = database
  if (encoding !== 'UTF8') return `the database ${name} has the encoding ${encoding}, and UTF8 is needed`
  if (!lowers)
    return `the database ${name} has a locale whose lower case of A to Z is not a to z, so that names would not be unique`
  return undefined
}
