import test from 'ava';
import {
  blockColumnsOf,
  COVARIANCE_BLOCK,
  covarianceBlocks,
  covarianceLength,
} from '../../src/plan/covariance-blocks.js';

const sizes = [1, 2, COVARIANCE_BLOCK - 1, COVARIANCE_BLOCK, COVARIANCE_BLOCK + 1, 2 * COVARIANCE_BLOCK + 77];

test('the blocks hold every element on and below the diagonal once, packed without a gap', (t) => {
  for (const d of sizes) {
    const seen = new Uint8Array(d * d);
    let end = 0;
    for (const { first, width, height, offset } of covarianceBlocks(d)) {
      t.is(offset, end);
      end += height * width;
      for (let i = first; i < first + height; i++) {
        for (let j = first; j < first + width; j++) seen[i * d + j]! += 1;
      }
      t.true(width <= COVARIANCE_BLOCK);
    }
    t.is(covarianceLength(d), end);
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

test('little more than the triangle is held: 51 % of the square at d = 2560', (t) => {
  t.is(covarianceLength(2560) / 2560 ** 2, 0.5125);
});

test('some block columns are those of the whole triangle, packed anew', (t) => {
  const d = 5 * COVARIANCE_BLOCK + 3;
  const all = covarianceBlocks(d);
  t.is(blockColumnsOf(d), 6);
  for (const columns of [
    { first: 0, end: 1 },
    { first: 1, end: 4 },
    { first: 4, end: 6 },
  ]) {
    const begin = all[columns.first]!.offset;
    const expected = all
      .slice(columns.first, columns.end)
      .map((block) => ({ ...block, offset: block.offset - begin }));
    t.deepEqual(covarianceBlocks(d, columns), expected);
    t.is(covarianceLength(d, columns), (all[columns.end]?.offset ?? covarianceLength(d)) - begin);
  }
});
