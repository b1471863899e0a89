import type { Tokens, TokenStorage } from './tokens.ts'

/** Keeps the tokens in this process or page: gone when it is, and out of reach of others. */
export function memoryStorage(tokens?: Tokens): TokenStorage {
  let kept = tokens
  return {
    read: () => kept,
    write: (next) => {
      kept = next
    },
  }
}
