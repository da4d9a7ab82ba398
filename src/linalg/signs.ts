/** Rule, recorded with every basis, by which eigenvectors, whose signs are arbitrary, are given one. */
export const SIGN_RULE = 'the entry of largest magnitude is positive; ties: lowest index';

/** Applies SIGN_RULE, in place, to the columns of `vectors`, [d, d] row-major. */
export function fixSigns(vectors: Float64Array, d: number): void {
  const largest = new Float64Array(d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) {
      const value = vectors[i * d + j]!;
      if (Math.abs(value) > Math.abs(largest[j]!)) largest[j] = value;
    }
  }
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) if (largest[j]! < 0) vectors[i * d + j]! *= -1;
  }
}
