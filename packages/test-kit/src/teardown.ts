/** What a helper needs of a test: a place to say what has to be undone. tap's `t` is one. */
export interface Teardown {
  teardown(undo: () => unknown): unknown
}
