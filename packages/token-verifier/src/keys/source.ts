/** Where public keys come from. */
export interface KeySource {
  /**
   * The public key with this id as SPKI PEM, or undefined if the issuer has none.
   *
   * @param token the one that names the key, if it is at hand; nothing of it has been checked
   * @throws StaleError if that cannot be told right now. Any other error is taken for the same, and is its cause.
   */
  find(kid: string, token?: string): string | undefined | Promise<string | undefined>
  /** The log names this key as dead: `find` is not to give it any more, though the log forgets it in time. */
  giveUp?(kid: string): void
  /** Begins to fetch what can be fetched ahead. */
  start?(): void
  close?(): void
  /** False until `find` can tell. Default: true. */
  readonly ready?: boolean
}
