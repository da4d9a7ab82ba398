import { readFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Fold, foldCovariance, foldedRow, foldRows } from '../../src/linalg/fold.js';
import { covarianceByDefinition, foldedByDefinition } from '../helpers/normed-model.js';
import { randomFloat32, randomFloat64 } from '../helpers/random.js';
import { realModelTest } from '../helpers/shared-models.js';

const D = 24;
const ROWS = 200;

/** Factors that are never near zero, of both signs. */
function seededFactors(d: number): Float64Array {
  return randomFloat64(d, 3).map((value) => Math.sign(value) * (0.3 + Math.abs(value)));
}

const folds: Readonly<Record<string, Fold>> = {
  RMSNorm: { factors: seededFactors(D), isCentred: false, bias: null },
  LayerNorm: { factors: seededFactors(D), isCentred: true, bias: null },
};

/** Largest deviation relative to the largest entry. */
function deviation(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  const largest = Array.from(expected).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return Array.from(expected).reduce((a, b, k) => Math.max(a, Math.abs(found[k]! - b)), 0) / largest;
}

for (const [name, fold] of Object.entries(folds)) {
  const gamma = randomFloat32(ROWS * D, 1).map((value, k) => value + (k % D) / D);
  const expected = foldedByDefinition(gamma, fold.factors, fold.isCentred);

  test(`rows with a ${name} folded in are its definition in float64, rounded once`, (t) => {
    const rows = gamma.slice();
    foldRows(rows, fold);
    // The sum of a row is rounded in one order or another, which may decide the last bit.
    t.true(deviation(rows, expected) <= 2 ** -24);
    if (!fold.isCentred) t.deepEqual(rows, Float32Array.from(expected));
    const again = gamma.slice(0, 3 * D);
    foldRows(again, fold);
    t.deepEqual(again, rows.slice(0, 3 * D), 'rows are folded each by itself');
  });

  test(`mean and covariance with a ${name} folded in are those of the rows with it folded in`, (t) => {
    const { mean, covariance } = covarianceByDefinition(gamma, D);
    const wanted = covarianceByDefinition(expected, D);
    foldCovariance(covariance, fold);
    const [ofMean, ofCovariance] = [
      deviation(foldedRow(mean, fold), wanted.mean),
      deviation(covariance, wanted.covariance),
    ];
    t.log(`mean ${ofMean.toExponential(1)}, covariance ${ofCovariance.toExponential(1)}`);
    t.true(ofMean <= 1e-14 && ofCovariance <= 1e-14);
    for (let i = 0; i < D; i++)
      for (let j = 0; j < i; j++) t.is(covariance[i * D + j], covariance[j * D + i]);
  });
}

test('a LayerNorm leaves no variance along (1, ..., 1), in no direction else is there less', (t) => {
  const gamma = randomFloat32(ROWS * D, 1);
  const { covariance } = covarianceByDefinition(gamma, D);
  foldCovariance(covariance, folds.LayerNorm!);
  const trace = covariance.reduce((sum, value, k) => sum + (k % (D + 1) === 0 ? value : 0), 0);
  for (let i = 0; i < D; i++) {
    const along = covariance.subarray(i * D, (i + 1) * D).reduce((sum, value) => sum + value, 0);
    t.true(Math.abs(along) <= D * Number.EPSILON * trace, `row ${i}: ${along}`);
  }
  // With the direction's own 1 / d put back, the matrix is positive definite: the null space has no other direction.
  t.notThrows(() =>
    cholesky(
      covariance.map((value) => value + trace / D / D),
      D,
    ),
  );
});

/** Checks that causal norms, distances and cosines at rho = 0 are those of the rows with and without a norm folded in. */
function isInvariant(t: ExecutionContext, gamma: Float32Array, d: number): void {
  const factors = seededFactors(d);
  const fold = { factors, isCentred: false, bias: null };
  const { covariance } = covarianceByDefinition(gamma, d);
  const plain = causalCoordinates(Float64Array.from(gamma), covariance, d);
  foldCovariance(covariance, fold);
  const folded = causalCoordinates(foldedByDefinition(gamma, factors, false), covariance, d);
  let worst = 0;
  let euclidean = 0;
  const rows = gamma.length / d;
  for (let i = 0; i < rows; i++) {
    for (const k of [i, (7 * i + 1) % rows, (31 * i + 5) % rows]) {
      const [a, b] = [dot(plain, i, k, d), dot(folded, i, k, d)];
      // Products of rows are norms, distances and angles; each is a sum of terms of the size of the norms.
      worst = Math.max(worst, Math.abs(a - b) / Math.sqrt(dot(plain, i, i, d) * dot(plain, k, k, d)));
    }
    const norm = dot(gamma, i, i, d);
    euclidean = Math.max(
      euclidean,
      Math.abs(dot(foldedByDefinition(gamma.slice(i * d, (i + 1) * d), factors, false), 0, 0, d) / norm - 1),
    );
  }
  t.log(
    `causal products differ by ${worst.toExponential(2)}, squares of Euclidean norms by ${euclidean.toFixed(2)}`,
  );
  t.true(worst <= 1e-12);
  t.true(euclidean > 0.1, 'folding has changed the rows');
}

test('without a ridge a folded norm leaves causal norms, distances and angles as they are', (t) => {
  isInvariant(t, randomFloat32(ROWS * D, 1), D);
});

realModelTest('the causal geometry of a trained head does not depend on a folded norm', (t, model) => {
  const bytes = readFileSync(path.join(model, 'model.safetensors'));
  const first = 8 + Number(bytes.readBigUInt64LE(0));
  const gamma = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset + first, bytes.byteOffset + first + 512 * 64 * 4),
  );
  isInvariant(t, gamma, 64);
});

function dot(values: ArrayLike<number>, i: number, k: number, d: number): number {
  let sum = 0;
  for (let j = 0; j < d; j++) sum += values[i * d + j]! * values[k * d + j]!;
  return sum;
}

/** Rows y with y . y' = gamma^T C^-1 gamma': L y = gamma, where C = L L^T. */
function causalCoordinates(gamma: Float64Array, covariance: Float64Array, d: number): Float64Array {
  const factor = cholesky(covariance, d);
  const solved = gamma.slice();
  for (let first = 0; first < gamma.length; first += d) {
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < i; j++) solved[first + i]! -= factor[i * d + j]! * solved[first + j]!;
      solved[first + i]! /= factor[i * d + i]!;
    }
  }
  return solved;
}

/** L of C = L L^T. @throws Error where C is not positive definite */
function cholesky(matrix: Float64Array, d: number): Float64Array {
  const factor = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let value = matrix[i * d + j]!;
      for (let k = 0; k < j; k++) value -= factor[i * d + k]! * factor[j * d + k]!;
      if (i === j && !(value > 0)) throw new Error(`no positive definite matrix: ${value}`);
      factor[i * d + j] = i === j ? Math.sqrt(value) : value / factor[j * d + j]!;
    }
  }
  return factor;
}
