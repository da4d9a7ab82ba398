/** Reflectors that the back-transformation applies at once; also the inner dimension of its products. */
export const REFLECTOR_BLOCK = 128;

/** Consecutive reflectors as rows, of the matrix rows from the first on. */
export interface ReflectorBlock {
  /** Number of the first reflector. */
  first: number;
  /** Reflectors first <= j < first + count: a multiple of 4; those beyond the last are zero, and so is their tau. */
  count: number;
  /** Values of a row. */
  length: number;
  /** [count, length]. */
  values: Float64Array;
}

/**
 * Householder vectors of a tridiagonalisation of order n, H_j = I - tau_j v_j v_j^T with v_j zero up to row j
 * and one at row j + 1. They are kept as rows, in blocks that leave out the rows above a block: about n^2 / 2 values.
 */
export class Reflectors {
  readonly taus: Float64Array;
  readonly blocks: readonly ReflectorBlock[];

  constructor(n: number) {
    this.taus = new Float64Array(Math.ceil(n / 4) * 4);
    this.blocks = Array.from({ length: Math.ceil(n / REFLECTOR_BLOCK) }, (_, b) => {
      const first = b * REFLECTOR_BLOCK;
      const length = n - first;
      const count = Math.min(REFLECTOR_BLOCK, Math.ceil(length / 4) * 4);
      return { first, count, length, values: new Float64Array(count * length) };
    });
  }

  /**
   * Keeps reflector j.
   * @param vector v_j, [n] or padded beyond n
   */
  set(j: number, tau: number, vector: Float64Array): void {
    const { first, length, values } = this.blocks[Math.floor(j / REFLECTOR_BLOCK)]!;
    this.taus[j] = tau;
    values.set(vector.subarray(first, first + length), (j - first) * length);
  }
}
