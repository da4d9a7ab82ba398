import test from 'ava';
import {
  blockOf,
  errorVariance,
  FLOAT32_ROUNDOFF,
  productRounding,
  type Summation,
  summationOf,
} from '../../src/checks/rounding.js';
import { RowTolerances } from '../../src/checks/row-deviation.js';
import { randomNumbers } from '../helpers/random.js';

/** Sum of products in float32, a block of terms at a time, each product rounded with the sum that it is added to. */
function fusedProduct(a: Float32Array, b: Float32Array, block: number): number {
  let total = 0;
  for (let first = 0; first < a.length; first += block) {
    let sum = 0;
    const end = Math.min(first + block, a.length);
    for (let k = first; k < end; k++) sum = Math.fround(sum + a[k]! * b[k]!);
    total = Math.fround(total + sum);
  }
  return total;
}

/** Mean square of the errors of many products, as a share of what `errorVariance` says of them. */
function shareOfModel(d: number, mean: number, block: number, summation: Summation = 'blocks'): number {
  const { normal } = randomNumbers(d);
  const { product, norm } = errorVariance(d, summation);
  const row = new Float32Array(d);
  const vector = new Float32Array(d);
  let measured = 0;
  let expected = 0;
  for (let trial = 0; trial < 1000; trial++) {
    for (let k = 0; k < d; k++) {
      row[k] = mean + normal();
      vector[k] = (mean + normal()) / Math.sqrt(d * (1 + mean * mean));
    }
    let [exact, squares] = [0, 0];
    for (let k = 0; k < d; k++) {
      exact += row[k]! * vector[k]!;
      squares += row[k]! * row[k]!;
    }
    measured += (fusedProduct(row, vector, block) - exact) ** 2;
    expected += product * exact * exact + norm * squares;
  }
  return measured / expected;
}

test('products that are summed term by term err as the model says, along the row or across it', (t) => {
  for (const d of [64, 256, 384]) {
    for (const mean of [0, 3]) {
      const share = shareOfModel(d, mean, d);
      t.log(`d = ${d}, mean ${mean}: ${share.toFixed(2)} of the variance expected`);
      // A product is rounded with its sum here, so the part of the model for another rounding is not used up.
      t.true(share > 0.7 && share < 1.2);
    }
  }
});

test('those summed in blocks, as libraries do, err as the model says of their blocks', (t) => {
  for (const d of [1024, 2560]) {
    for (const summation of ['short blocks', 'blocks'] as const) {
      const block = blockOf(summation);
      const share = shareOfModel(d, 0, block, summation);
      t.log(`d = ${d}, blocks of ${block}: ${share.toFixed(2)} of the variance expected`);
      t.true(share > 0.7 && share < 1.2);
    }
  }
});

test('the error across a row does not grow with d, and along a row no faster than its root', (t) => {
  const [small, large] = [errorVariance(64, 'blocks'), errorVariance(8192, 'blocks')];
  t.true(large.norm < small.norm);
  t.true(large.product < (small.product * 8192) / 64);
  // One term is exact but for its own rounding.
  t.true(errorVariance(1, 'blocks').product + errorVariance(1, 'blocks').norm < FLOAT32_ROUNDOFF ** 2);
});

test('a product of whatever row and vector is allowed the root of its terms, and of the blocks of a long one', (t) => {
  for (const d of [1, 64, 384]) t.true(productRounding(d) < 8 * Math.sqrt(d + 1) * FLOAT32_ROUNDOFF);
  t.true(productRounding(8192) < 1.1 * productRounding(384));
});

test('terms that are summed one after the other err as one block of all of them', (t) => {
  for (const d of [64, 384]) t.deepEqual(errorVariance(d, 'sequence'), errorVariance(d, 'blocks'));
  t.true(errorVariance(8192, 'sequence').norm > 5 * errorVariance(8192, 'blocks').norm);
  t.is(summationOf({ backend: 'webgpu' }), 'sequence');
  t.is(summationOf({ backend: 'portable' }), 'short blocks');
  t.is(summationOf({ backend: 'system' }), 'blocks');
});

test('tolerances of the probe are what the document says of them', (t) => {
  const shownOf = (d: number, row: { weights: number; projections: number }) =>
    (new RowTolerances(d, 'short blocks', { entries: 1, weights: 0 }).probe(row) / FLOAT32_ROUNDOFF).toFixed(
      1,
    );
  t.is(shownOf(256, { weights: 3 / 256, projections: 3 / 256 }), '2.4');
  t.is(shownOf(256, { weights: 1, projections: 3 / 256 }), '4.2');
  t.is(shownOf(256, { weights: 1, projections: 1 }), '5.6');
  t.is(shownOf(2560, { weights: 3 / 2560, projections: 3 / 2560 }), '0.8');
});

test('rows of equal weights are allowed errors of equal terms, where an eigenvector has entries of one size', (t) => {
  const d = 256;
  const row = { weights: 1 / d, projections: 1 };
  const tolerances = (entries: number, weights: number) => {
    const of = new RowTolerances(d, 'short blocks', { entries, weights });
    return [of.norm(row), of.probe(row)] as const;
  };
  t.deepEqual(tolerances(d, 0), tolerances(1, 1));
  t.deepEqual(tolerances(1, 1), tolerances(1, 0));
  const [norm, probe] = tolerances(d, 1);
  const entry = Math.fround(1 / Math.sqrt(d));
  for (let n = 0; n < 200; n++) {
    const weight = Math.fround(0.1 + n * 0.0173);
    let [sum, exact] = [0, 0];
    for (let k = 0; k < d; k++) {
      exact += weight * entry;
      sum = Math.fround(sum + weight * entry);
    }
    const error = Math.abs(sum - exact) / (weight * Math.sqrt(d));
    t.true(error < norm / 2);
    t.true(error / Math.sqrt(d) < probe / 2);
  }
});
