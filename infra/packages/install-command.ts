/** A line for a shell that installs all packages in a folder. */
export function installCommand(folder: string): string {
  return `npm install ${shellWord(folder)}/portcullis-*.tgz`
}

/** A text as one word of a shell; in single quotes, in which there can be all but themselves, if it needs them. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
