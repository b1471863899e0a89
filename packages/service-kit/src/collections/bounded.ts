/**
 * Bounds an `LRUCache` to so many entries. Its memory grows as it fills: with `max` it would be taken at once, and
 * clearing it would be a part of every start.
 */
export function boundedTo(entries: number): {
  readonly maxSize: number
  readonly sizeCalculation: () => number
} {
  return { maxSize: entries, sizeCalculation: () => 1 }
}
