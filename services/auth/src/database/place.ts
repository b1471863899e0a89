/** A place in a list of what is named by people, newest first: the time of making, and the name among equals. */
export interface Place {
  /** ISO 8601. */
  readonly createdAt: string
  readonly name: string
}

/** For a cursor, which authenticates it. */
export function formatPlace({ createdAt, name }: Place): string {
  return `${createdAt} ${name}`
}

export function parsePlace(text: string | undefined): Place | undefined {
  if (text === undefined) return undefined
  const [createdAt = '', name = ''] = text.split(' ')
  return { createdAt, name }
}
