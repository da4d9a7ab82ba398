/**
 * How many elements a shape has: 1 for the shape [] of a scalar.
 *
 * @returns null where a dimension is no whole number from 0, or a product leaves the exact integers (2^53). Zero
 * dimensions do not excuse an overflow before them: [2^52, 4, 0] is a lie, not an empty tensor.
 */
export function elementCount(shape: readonly unknown[]): number | null {
  let count = 1;
  let nonZero = 1;
  for (const size of shape) {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return null;
    count *= size;
    nonZero *= size === 0 ? 1 : size;
    if (!Number.isSafeInteger(nonZero)) return null;
  }
  return count;
}

/** [512, 64] as '512 x 64', [] as 'a scalar'. */
export function shapeText(shape: readonly number[]): string {
  return shape.length === 0 ? 'a scalar' : shape.join(' x ');
}
