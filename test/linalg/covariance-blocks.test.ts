import test from 'ava';
import { COVARIANCE_BLOCK, covarianceBlocks, unpackCovariance } from '../../src/linalg/covariance-blocks.js';

const sizes = [1, 2, COVARIANCE_BLOCK - 1, COVARIANCE_BLOCK, COVARIANCE_BLOCK + 1, 2 * COVARIANCE_BLOCK + 77];

test('the blocks hold every element on and below the diagonal once, packed without a gap', (t) => {
  for (const d of sizes) {
    const { blocks, length } = covarianceBlocks(d);
    const seen = new Uint8Array(d * d);
    let end = 0;
    for (const { row, column, height, width, offset } of blocks) {
      t.is(offset, end);
      end += height * width;
      for (let i = row; i < row + height; i++) {
        for (let j = column; j < column + width; j++) seen[i * d + j]! += 1;
      }
      t.true(height <= COVARIANCE_BLOCK && width <= COVARIANCE_BLOCK);
      t.true(column <= row);
    }
    t.is(length, end);
    let wrong = 0;
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < d; j++) {
        const isAboveBlocks = Math.floor(j / COVARIANCE_BLOCK) > Math.floor(i / COVARIANCE_BLOCK);
        if (seen[i * d + j] !== (isAboveBlocks ? 0 : 1)) wrong++;
      }
    }
    t.is(wrong, 0, `d = ${d}`);
  }
});

test('unpacked, the lower triangle decides: the matrix is symmetric to the last bit, and divided', (t) => {
  for (const d of sizes) {
    const { blocks, length } = covarianceBlocks(d);
    const packed = new Float64Array(length);
    const value = (i: number, j: number) => i + j / 1024;
    for (const { row, column, height, width, offset } of blocks) {
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          // Rounding makes the upper triangle of a diagonal block a little different: here, very.
          const isAbove = column + j > row + i;
          packed[offset + i * width + j] = isAbove ? Number.NaN : value(row + i, column + j);
        }
      }
    }
    const matrix = unpackCovariance(packed, d, 3);
    let wrong = 0;
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < d; j++) {
        if (matrix[i * d + j] !== value(Math.max(i, j), Math.min(i, j)) / 3) wrong++;
      }
    }
    t.is(wrong, 0, `d = ${d}`);
  }
});
