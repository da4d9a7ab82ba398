/**
 * Made-up projections, rowCount x columns, row-major: all different, not symmetric in rows and columns, with the
 * values that a careless conversion changes (signed zero, subnormals, the largest, infinity) in the first places.
 */
export function sampleProjections(rowCount: number, columns: number): Float32Array {
  const special = [0, -0, 1e-45, -1.1754942e-38, 3.4028235e38, Number.NEGATIVE_INFINITY];
  return Float32Array.from(
    { length: rowCount * columns },
    (_, index) => special[index] ?? Math.sin(index + 1) * (index + 1),
  );
}

/** One row and one column, and sizes on both sides of the formats' block and padding sizes. */
export const sampleSizes: readonly { firstRow: number; rowCount: number; columns: number }[] = [
  { firstRow: 0, rowCount: 1, columns: 1 },
  { firstRow: 5, rowCount: 1, columns: 7 },
  { firstRow: 1000, rowCount: 13, columns: 1 },
  { firstRow: 64, rowCount: 63, columns: 5 },
  { firstRow: 128, rowCount: 257, columns: 33 },
  { firstRow: 2 ** 31 - 8, rowCount: 8, columns: 64 },
];
