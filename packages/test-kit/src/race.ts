/**
 * Begins all of them in the same turn and waits for all, whatever comes of them.
 *
 * @returns what became of each, in order.
 */
export function race<T>(
  times: number,
  run: (index: number) => Promise<T>,
): Promise<PromiseSettledResult<T>[]> {
  return Promise.allSettled(Array.from({ length: times }, (_, index) => run(index)))
}
