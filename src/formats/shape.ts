/**
 * Counts how many elements a shape has: 1 for the shape [] of a scalar.
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

/** Writes [512, 64] as '512 x 64', [] as 'a scalar', and no more dimensions than a message can bear. */
export function shapeText(shape: readonly number[]): string {
  if (shape.length === 0) return 'a scalar';
  const shown = shape.slice(0, MOST_SHOWN).join(' x ');
  return shape.length > MOST_SHOWN ? `${shown} x ... (${shape.length} dimensions)` : shown;
}

const MOST_SHOWN = 8;
