import test from 'ava';
import { unpackCovariance } from '../../src/linalg/unpack-covariance.js';
import {
  blockColumnsOf,
  COVARIANCE_BLOCK,
  covarianceBlocks,
  covarianceLength,
} from '../../src/plan/covariance-blocks.js';

const sizes = [1, 2, COVARIANCE_BLOCK - 1, COVARIANCE_BLOCK, COVARIANCE_BLOCK + 1, 2 * COVARIANCE_BLOCK + 77];

test('unpacked, the lower triangle decides: the matrix is symmetric to the last bit, and divided', (t) => {
  for (const d of sizes) {
    const value = (i: number, j: number) => i + j / 1024;
    const matrix = new Float64Array(d * d).fill(Number.NaN);
    for (let first = 0; first < blockColumnsOf(d); first += 2) {
      const columns = { first, end: Math.min(first + 2, blockColumnsOf(d)) };
      const packed = new Float64Array(covarianceLength(d, columns));
      for (const { first, width, height, offset } of covarianceBlocks(d, columns)) {
        for (let i = 0; i < height; i++) {
          for (let j = 0; j < width; j++) {
            // Rounding makes the upper triangle of a diagonal block a little different: here, very.
            const isAbove = j > i;
            packed[offset + i * width + j] = isAbove ? Number.NaN : value(first + i, first + j);
          }
        }
      }
      unpackCovariance(packed, columns, { matrix, d, divisor: 3 });
    }
    let wrong = 0;
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < d; j++) {
        if (matrix[i * d + j] !== value(Math.max(i, j), Math.min(i, j)) / 3) wrong++;
      }
    }
    t.is(wrong, 0, `d = ${d}`);
  }
});
