import type { ExecutionContext } from 'ava';
import test from 'ava';
import { checkBasis } from '../../src/checks/basis-check.js';
import { NOTEBOOK_ORTHONORMALITY_LIMIT } from '../../src/checks/identities.js';
import { randomOrthogonal } from '../helpers/random.js';

/** A = Q diag(c) Q^T with its eigenvectors as they are stored. */
function exactBasis(d: number) {
  const q = randomOrthogonal(d, d);
  const eigenvalues = Float64Array.from({ length: d }, (_, j) => 1e-2 / (1 + j));
  const matrix = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    for (let k = 0; k <= i; k++) {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += q[i * d + j]! * eigenvalues[j]! * q[k * d + j]!;
      matrix[i * d + k] = sum;
      matrix[k * d + i] = sum;
    }
  }
  return { d, vectors: Float32Array.from(q), matrix, eigenvalues };
}

async function verdicts(
  t: ExecutionContext,
  { d, vectors, matrix, eigenvalues }: ReturnType<typeof exactBasis>,
): Promise<Record<string, string>> {
  const { checks } = await checkBasis(
    { eigenvectors: vectors, eigenvalues: eigenvalues.map((c) => 1 / c), covarianceEigenvalues: eigenvalues },
    { symbol: 'C', matrix },
  );
  for (const { name, verdict, measured, tolerance } of checks) {
    t.log(`d = ${d}, ${name}: ${verdict}, ${measured?.toExponential(2)} of ${tolerance?.toExponential(2)}`);
  }
  return Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict]));
}

test('the eigenvectors of a matrix pass, at one block, its neighbours, and one row beyond', async (t) => {
  for (const d of [1, 2, 3, 31, 255, 256, 257]) {
    t.deepEqual(await verdicts(t, exactBasis(d)), { orthonormality: 'passed', residual: 'passed' });
  }
});

test('permuted columns are orthonormal, and are not the eigenvectors of their eigenvalues', async (t) => {
  const basis = exactBasis(33);
  const { d, vectors } = basis;
  for (let i = 0; i < d; i++) {
    const row = i * d;
    [vectors[row + 4], vectors[row + 5]] = [vectors[row + 5]!, vectors[row + 4]!];
  }
  t.deepEqual(await verdicts(t, basis), { orthonormality: 'passed', residual: 'failed' });
});

test('transposed eigenvectors are orthonormal, and fail the residual', async (t) => {
  const basis = exactBasis(20);
  const { d, vectors } = basis;
  const transposed = vectors.map((_, k) => vectors[(k % d) * d + Math.floor(k / d)]!);
  t.deepEqual(await verdicts(t, { ...basis, vectors: transposed }), {
    orthonormality: 'passed',
    residual: 'failed',
  });
});

test('a vector that stands there twice, and one that is too long, are not orthonormal', async (t) => {
  for (const d of [2, 33, 257]) {
    const twice = exactBasis(d);
    for (let i = 0; i < d; i++) twice.vectors[i * d + d - 1] = twice.vectors[i * d]!;
    t.is((await verdicts(t, twice)).orthonormality, 'failed');
    const long = exactBasis(d);
    for (let i = 0; i < d; i++) long.vectors[i * d + d - 1]! *= 1 + 2 ** -20;
    t.is((await verdicts(t, long)).orthonormality, 'failed');
  }
});

test('a wrong eigenvalue fails the residual', async (t) => {
  const basis = exactBasis(31);
  basis.eigenvalues[0]! *= 1 + 1e-4;
  t.deepEqual(await verdicts(t, basis), { orthonormality: 'passed', residual: 'failed' });
});

test('NaN and infinity fail, wherever they stand', async (t) => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    for (const at of [0, 17, 257 * 257 - 1]) {
      const spoiled = exactBasis(257);
      spoiled.vectors[at] = bad;
      t.deepEqual(await verdicts(t, spoiled), { orthonormality: 'failed', residual: 'failed' });
    }
    const spoiled = exactBasis(9);
    spoiled.matrix[3] = bad;
    t.is((await verdicts(t, spoiled)).residual, 'failed');
  }
});

test('the off-diagonal figure leaves the diagonal out, and names the operator', async (t) => {
  const { d, vectors, matrix, eigenvalues } = exactBasis(5);
  for (let i = 0; i < d; i++) vectors[i * d]! *= 2;
  const { checks, offDiagonal } = await checkBasis(
    { eigenvectors: vectors, eigenvalues, covarianceEigenvalues: null },
    { symbol: 'M', matrix },
  );
  t.is(checks[0]!.verdict, 'failed');
  t.true(checks[0]!.measured! > 2.9);
  t.true(offDiagonal.maximum < 1e-6);
  t.is(offDiagonal.limit, NOTEBOOK_ORTHONORMALITY_LIMIT);
  t.regex(checks[1]!.what, /^\|\|M V - V diag\(lambda\)/);
});
