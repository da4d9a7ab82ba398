import test from 'ava';
import { likeEntries } from '../../src/checks/like-entries.js';
import type { RowSpread } from '../../src/checks/row-spread.js';
import { termErrors } from '../../src/checks/term-errors.js';
import { randomNumbers, randomOrthogonal } from '../helpers/random.js';

const D = 24;
const ROWS = 400;
const NEVER_EQUAL = {
  equalRows: 0,
  equalWeights: new Float64Array(D),
  unevenWeights: new Float64Array(D),
  unevenOfAll: 0,
  repeatedWeights: new Float64Array(D),
};

/** Rows of a mean and normal numbers: both are asked for by coordinate. */
interface Rows {
  mean: (k: number) => number;
  deviation: (k: number) => number;
}

/** Errors of products that are summed term by term in float32, [rows, columns] each. */
function roundingErrors(rows: Rows, seed: number) {
  const { normal } = randomNumbers(seed);
  const eigenvectors = Float32Array.from(randomOrthogonal(D, seed));
  const gamma = Float32Array.from({ length: ROWS * D }, (_, at) => {
    const k = at % D;
    return rows.mean(k) + rows.deviation(k) * normal();
  });
  const errors = new Float64Array(ROWS * D);
  for (let i = 0; i < ROWS; i++) {
    for (let j = 0; j < D; j++) {
      let [sum, exact] = [0, 0];
      for (let k = 0; k < D; k++) {
        const term = gamma[i * D + k]! * eigenvectors[k * D + j]!;
        exact += term;
        sum = Math.fround(sum + term);
      }
      errors[i * D + j] = sum - exact;
    }
  }
  return { gamma, eigenvectors, errors };
}

/** What is known of such rows. */
function spreadOf(rows: Rows, eigenvectors: Float32Array): RowSpread {
  const mean = Float64Array.from({ length: D }, (_, k) => rows.mean(k));
  const coordinates = Float64Array.from({ length: D }, (_, k) => rows.deviation(k) ** 2);
  const columns = Float64Array.from({ length: D }, (_, j) =>
    coordinates.reduce((sum, variance, k) => sum + variance * eigenvectors[k * D + j]! ** 2, 0),
  );
  return { mean, coordinates, columns };
}

/** Mean squares of errors and of what all rows share of them, as shares of those expected; the latter in units of errors too. */
function sharesOf(rows: Rows) {
  let [all, allExpected, common, commonExpected] = [0, 0, 0, 0];
  for (let seed = 1; seed <= 6; seed++) {
    const { eigenvectors, errors } = roundingErrors(rows, seed);
    const spread = spreadOf(rows, eigenvectors);
    const products = { eigenvectors, entries: likeEntries(eigenvectors, D), summation: 'blocks' } as const;
    const terms = termErrors(spread, products, NEVER_EQUAL);
    for (let j = 0; j < D; j++) {
      let [sum, squares] = [0, 0];
      for (let i = 0; i < ROWS; i++) {
        sum += errors[i * D + j]!;
        squares += errors[i * D + j]! ** 2;
      }
      all += squares / ROWS;
      allExpected += terms.constant[j]! + terms.rest[j]! + terms.square[j]! * spread.columns[j]!;
      // Of pairs of two different rows.
      common += (sum * sum - squares) / (ROWS * (ROWS - 1));
      commonExpected += terms.common.means[j]!;
    }
  }
  return { errors: all / allExpected, common: common / commonExpected, shared: common / all };
}

test('errors of products are as large as their partial sums say, with and without a mean', (t) => {
  const kinds: Record<string, Rows> = {
    'no mean': { mean: () => 0, deviation: () => 1 },
    'a mean': { mean: () => 100, deviation: () => 1 },
    'a mean in one coordinate': { mean: (k) => (k === 5 ? 30 : 0), deviation: () => 1 },
    'coordinates of many sizes': { mean: () => 0, deviation: (k) => 0.5 ** k },
  };
  for (const [what, rows] of Object.entries(kinds)) {
    const { errors } = sharesOf(rows);
    t.log(`${what}: ${errors.toFixed(2)} of the mean square expected`);
    t.true(errors > 0.4 && errors < 1.6, what);
  }
});

test('rows of a large mean share errors as their spread beside the last place of their sums says', (t) => {
  for (const deviation of [1e-6, 1e-5, 1e-4, 1e-3]) {
    const { common, shared } = sharesOf({ mean: (k) => 100 * Math.cos(k), deviation: () => deviation });
    t.log(
      `spread ${deviation}: ${shared.toFixed(4)} of errors shared, ${common.toFixed(2)} of that expected`,
    );
    // What is left is estimated by a distribution with more weight far out than a normal one: too much, not too little.
    t.true(common < 1.2, `${deviation}`);
    if (shared > 0.2) t.true(common > 0.3, `${deviation}`);
  }
  t.true(sharesOf({ mean: (k) => 100 * Math.cos(k), deviation: () => 1e-6 }).shared > 0.7);
  t.true(Math.abs(sharesOf({ mean: (k) => 100 * Math.cos(k), deviation: () => 1 }).shared) < 0.01);
});

test('of equal terms that are added one after the other, errors are as large as the model says, in one row and in all', (t) => {
  const d = 200;
  const entry = Math.fround(1 / Math.sqrt(d));
  const entries = new Float32Array(d * d).fill(entry);
  const always = new Float64Array(d).fill(1);
  const equal = {
    equalRows: 0,
    equalWeights: always,
    unevenWeights: always,
    unevenOfAll: 1,
    repeatedWeights: always,
  };
  let [own, common] = [0, 0];
  const weights = Array.from({ length: 50 }, (_, n) => Math.fround(0.1 + n * 0.0173));
  for (const weight of weights) {
    let [sum, exact] = [0, 0];
    for (let k = 0; k < d; k++) {
      exact += weight * entry;
      sum = Math.fround(sum + weight * entry);
    }
    const spread = {
      mean: new Float64Array(d).fill(weight),
      coordinates: new Float64Array(d),
      columns: new Float64Array(d),
    };
    const products = {
      eigenvectors: entries,
      entries: likeEntries(entries, d),
      summation: 'sequence',
    } as const;
    const errors = termErrors(spread, products, equal);
    own += (sum - exact) ** 2 / errors.constant[0]!;
    common += (sum - exact) ** 2 / errors.common.means[0]!;
  }
  const [ofOwn, ofCommon] = [own / weights.length, common / weights.length];
  t.log(`${ofOwn.toFixed(2)} of the mean square expected of one row, ${ofCommon.toFixed(2)} of all`);
  t.true(ofOwn > 0.2 && ofOwn < 1.7);
  // Counted as equal weights, and as rows of no spread.
  t.true(ofCommon > 0.1 && ofCommon < 1.2);
});
