import { InputError } from '../errors.js';

/**
 * Checks a matrix at the door of every eigensolver.
 * @param matrix [n, n] row-major; only its lower triangle is looked at
 * @throws InputError when it is not n x n values with n >= 1, or an entry is not finite
 */
export function checkSymmetricInput(matrix: Float64Array, n: number): void {
  if (!(Number.isInteger(n) && n >= 1 && matrix.length === n * n)) {
    throw new InputError(
      `eigh takes a matrix of n x n values, n >= 1; got n = ${n} and ${matrix.length} values`,
    );
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      if (Number.isFinite(matrix[i * n + j])) continue;
      throw new InputError(`the matrix has ${matrix[i * n + j]} at row ${i}, column ${j}: it must be finite`);
    }
  }
}
