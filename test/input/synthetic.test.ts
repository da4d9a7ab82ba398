import test from 'ava';
import { eigs } from 'mathjs';
import type { SyntheticRecipe } from '../../src/input/synthetic.js';
import { syntheticRows } from '../../src/input/synthetic.js';

/** Rows in the order in which they are asked for, from a generator of their own. */
function generate(recipe: SyntheticRecipe, rows: readonly number[]): Float32Array {
  const fill = syntheticRows(recipe);
  const out = new Float32Array(rows.length * recipe.hidden);
  for (const [at, row] of rows.entries()) {
    fill(row, out.subarray(at * recipe.hidden, (at + 1) * recipe.hidden));
  }
  return out;
}

const range = (first: number, end: number) => Array.from({ length: end - first }, (_, k) => first + k);

test('the same recipe gives the same rows, and another seed others', (t) => {
  for (const hidden of [1, 2, 3, 31, 64]) {
    const recipe = { rows: 40, hidden, seed: 42 };
    const rows = generate(recipe, range(0, 40));
    t.deepEqual(generate(recipe, range(0, 40)), rows);
    t.notDeepEqual(generate({ ...recipe, seed: 43 }, range(0, 40)), rows);
    t.true(rows.every(Number.isFinite));
  }
});

test('a row depends on the recipe and its index, not on the range or the order it is made in', (t) => {
  const hidden = 12;
  const recipe = { rows: 1100, hidden, seed: 7 };
  const whole = generate(recipe, range(0, 1100));
  for (const rows of [[5], [1099, 0, 512], range(1000, 1100), range(0, 100).reverse(), [3, 3]]) {
    const part = generate(recipe, rows);
    for (const [at, row] of rows.entries()) {
      t.deepEqual(
        part.subarray(at * hidden, (at + 1) * hidden),
        whole.subarray(row * hidden, (row + 1) * hidden),
      );
    }
  }
});

test('the last 1/512 of the rows repeat one row, all others are different', (t) => {
  for (const [rows, repeated] of [
    [511, 1],
    [512, 1],
    [1024, 2],
    [5130, 10],
  ] as const) {
    const recipe = { rows, hidden: 8, seed: 1 };
    const values = generate(recipe, range(0, rows));
    const texts = range(0, rows).map((row) => values.subarray(row * 8, (row + 1) * 8).join());
    t.is(new Set(texts).size, rows - repeated + 1);
    t.is(new Set(texts.slice(rows - repeated)).size, 1);
  }
});

/**
 * With V rows of d coordinates the eigenvalues of Q^T C Q / sigma^2, whose expectation is the identity, lie within
 * (1 +- sqrt(d / V))^2 (Marchenko and Pastur), and those of C within the same factors of sigma^2 (Ostrowski) if, and
 * only if, Q is orthogonal. Twice that width is a bound.
 */
test('mean and variances are those documented, after rotations that keep lengths', (t) => {
  for (const d of [1, 2, 12, 32]) {
    // The repeated rows lie behind these.
    const V = 20_000;
    const values = generate({ rows: 2 * V, hidden: d, seed: 42 }, range(0, V));
    const mean = new Float64Array(d);
    for (const [k, value] of values.entries()) mean[k % d]! += value / V;
    const covariance = Array.from({ length: d }, () => new Array<number>(d).fill(0));
    for (let row = 0; row < V; row++) {
      for (let i = 0; i < d; i++) {
        const x = values[row * d + i]! - mean[i]!;
        for (let j = 0; j <= i; j++) covariance[i]![j]! += (x * (values[row * d + j]! - mean[j]!)) / V;
      }
    }
    const symmetric = covariance.map((row, i) =>
      row.map((value, j) => (j <= i ? value : covariance[j]![i]!)),
    );
    const found = d === 1 ? [symmetric[0]![0]!] : (eigs(symmetric).values as number[]);
    // The quantiles of a logistic curve around the documented median.
    const documented = range(0, d).map((j) => 3e-4 * ((j + 0.5) / (d - j - 0.5)) ** 0.42);

    const ascending = (values: number[]) => values.toSorted((a, b) => a - b);
    const ratios = ascending(found).map((value, j) => Math.abs(value / ascending(documented)[j]! - 1));
    const width = 2 * ((1 + Math.sqrt(d / V)) ** 2 - 1);
    t.log(`d = ${d}: variances off by ${Math.max(...ratios).toFixed(4)} of ${width.toFixed(4)}`);
    t.true(Math.max(...ratios) <= width);

    const deviation = Math.abs(Math.hypot(...mean) - 0.4);
    const tolerance = 4 * Math.sqrt(documented.reduce((sum, value) => sum + value, 0) / V);
    t.log(`d = ${d}: norm of the mean off by ${deviation.toExponential(1)} of ${tolerance.toExponential(1)}`);
    t.true(deviation <= tolerance);
  }
});

test("at a real model's hidden size the variances span three orders of magnitude", (t) => {
  // Coordinates mix in the rotations, so only lengths are told apart here: E ||gamma - mu||^2 = sum of sigma^2.
  const d = 2560;
  const V = 200;
  const values = generate({ rows: 4096, hidden: d, seed: 1 }, range(0, V));
  const mean = new Float64Array(d);
  for (const [k, value] of values.entries()) mean[k % d]! += value / V;
  const variance = values.reduce((sum, value, k) => sum + (value - mean[k % d]!) ** 2, 0) / (V - 1);
  const documented = range(0, d).map((j) => 3e-4 * ((j + 0.5) / (d - j - 0.5)) ** 0.42);
  const trace = documented.reduce((sum, value) => sum + value, 0);
  // Squares of uniform numbers of unit variance have the variance 4 / 5.
  const deviation = Math.abs(variance - trace);
  const tolerance = 4 * Math.sqrt((0.8 * documented.reduce((sum, value) => sum + value ** 2, 0)) / V);
  t.log(
    `mean squared length ${variance.toFixed(4)}, off by ${deviation.toFixed(4)} of ${tolerance.toFixed(4)}`,
  );
  t.true(deviation <= tolerance);
  t.true(documented.at(-1)! / documented[0]! > 1e3);
});
