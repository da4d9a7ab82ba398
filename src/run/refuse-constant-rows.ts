import { InputError } from '../errors.js';
import type { RowSource } from '../input/checkpoint.js';

/**
 * Refuses rows that are all the same one: their covariance is zero, and its inverse would be the ridge's alone.
 *
 * @param row the one row that all are, [d]; null where two differ
 */
export function refuseConstantRows({ file, tensor, rows }: RowSource, row: Float32Array | null): void {
  if (row === null) return;
  const are = rows === 1 ? 'has one row alone' : `has ${rows} equal rows`;
  const what = row.every((value) => value === 0) ? `${are}, of zeros` : are;
  throw new InputError(
    `${file}: ${tensor ?? 'the matrix'} ${what}: the covariance is zero, and no metric can be computed of it; name another ` +
      'tensor, or give a --metric',
  );
}
