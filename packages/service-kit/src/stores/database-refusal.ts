/** A database, or a role, cannot be used for what is to be done. The message tells an operator why, and needs no stack. */
export class DatabaseRefusal extends Error {
  override readonly name = 'DatabaseRefusal'
}
