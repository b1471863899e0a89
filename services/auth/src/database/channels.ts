/** Channels on which instances of auth tell each other of a commit to one of the logs. */
export const CHANNELS = { revocations: 'revocations', userChanges: 'user_changes' } as const
