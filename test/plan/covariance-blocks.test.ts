import test from 'ava';
import {
  blockColumnsOf,
  COVARIANCE_BLOCK,
  type CovarianceBlock,
  covarianceBlocks,
  covarianceLength,
} from '../../src/plan/covariance-blocks.js';

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

test('the blocks of block columns are those of the whole triangle, packed anew', (t) => {
  const d = 5 * COVARIANCE_BLOCK + 3;
  const place = ({ row, column, height, width }: CovarianceBlock) => [row, column, height, width];
  const all = covarianceBlocks(d).blocks.map(place);
  t.is(blockColumnsOf(d), 6);
  const parts = [
    { first: 0, end: 1 },
    { first: 1, end: 4 },
    { first: 4, end: 6 },
  ].map((columns) => covarianceBlocks(d, columns));
  const byPlace = (a: number[], b: number[]) => a[0]! - b[0]! || a[1]! - b[1]!;
  t.deepEqual(parts.flatMap(({ blocks }) => blocks.map(place)).sort(byPlace), all.sort(byPlace));
  for (const { blocks, length } of parts) {
    let end = 0;
    for (const { offset, height, width } of blocks) {
      t.is(offset, end);
      end += height * width;
    }
    t.is(length, end);
  }
});

test('the length is counted without the blocks', (t) => {
  for (const d of [...sizes, 5 * COVARIANCE_BLOCK + 3]) {
    t.is(covarianceLength(d), covarianceBlocks(d).length, String(d));
    for (let first = 0; first < blockColumnsOf(d); first++) {
      const columns = { first, end: Math.min(first + 2, blockColumnsOf(d)) };
      t.is(covarianceLength(d, columns), covarianceBlocks(d, columns).length);
    }
  }
});
