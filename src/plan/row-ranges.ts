/** Rows [first, first + count) of the vocabulary. */
export interface RowRange {
  first: number;
  count: number;
}

/**
 * Splits `rows` into consecutive ranges of `size` rows; only the last one may be shorter.
 *
 *   rows  size  ranges
 *   10    4     [0, 4) [4, 8) [8, 10)
 *   8     4     [0, 4) [4, 8)
 *   3     4     [0, 3)
 *
 * The ranges depend on nothing else, least of all on the number of workers.
 */
export function splitRows(rows: number, size: number): RowRange[] {
  for (const [name, value] of Object.entries({ rows, size })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`splitRows: ${name} must be a whole number from 1, not ${value}`);
    }
  }
  return Array.from({ length: Math.ceil(rows / size) }, (_, index) => {
    const first = index * size;
    return { first, count: Math.min(size, rows - first) };
  });
}

/** Splits a range as `splitRows` does, from its own first row on. */
export function splitRange({ first, count }: RowRange, size: number): RowRange[] {
  return splitRows(count, size).map((part) => ({ first: first + part.first, count: part.count }));
}

/** Rows that two ranges share; null where there are none. */
export function sharedRows(a: RowRange, b: RowRange): RowRange | null {
  const first = Math.max(a.first, b.first);
  const end = Math.min(a.first + a.count, b.first + b.count);
  return end > first ? { first, count: end - first } : null;
}
