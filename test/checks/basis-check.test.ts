import type { ExecutionContext } from 'ava';
import test from 'ava';
import { checkBasis } from '../../src/checks/basis-check.js';
import { NOTEBOOK_ORTHONORMALITY_LIMIT } from '../../src/checks/identities.js';
import { randomOrthogonal } from '../helpers/random.js';

/** A = Q diag(c) Q^T with its eigenvectors as they are stored. */
function exactBasis(d: number, q = randomOrthogonal(d, d), eigenvalueOf = (j: number) => 1e-2 / (1 + j)) {
  const eigenvalues = Float64Array.from({ length: d }, (_, j) => eigenvalueOf(j));
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

/** Checks of a basis, with the residual estimated and computed. */
async function bothChecks({ vectors, matrix, eigenvalues }: ReturnType<typeof exactBasis>) {
  const basis = {
    eigenvectors: vectors,
    eigenvalues: eigenvalues.map((c) => 1 / c),
    covarianceEigenvalues: eigenvalues,
  };
  const operator = { symbol: 'C', matrix } as const;
  const estimated = await checkBasis(basis, operator);
  const exact = await checkBasis(basis, operator, true);
  return [estimated.checks, exact.checks] as const;
}

async function verdicts(
  t: ExecutionContext,
  basis: ReturnType<typeof exactBasis>,
): Promise<Record<string, string>> {
  const [estimated, exact] = await bothChecks(basis);
  for (const { name, verdict, measured, tolerance } of [...estimated, ...exact])
    t.log(
      `d = ${basis.d}, ${name}: ${verdict}, ${measured?.toExponential(2)} of ${tolerance?.toExponential(2)}`,
    );
  const verdictsOf = (checks: typeof exact) =>
    Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict]));
  t.deepEqual(verdictsOf(estimated), verdictsOf(exact));
  return verdictsOf(exact);
}

test('the eigenvectors of a matrix pass, at one block, its neighbours, and one row beyond', async (t) => {
  for (const d of [1, 2, 3, 31, 255, 256, 257, 512, 700]) {
    t.deepEqual(await verdicts(t, exactBasis(d)), { orthonormality: 'passed', residual: 'passed' });
  }
});

test('tolerances are at most twelve times what eigenvectors measure that were only rounded, whatever the spectrum', async (t) => {
  const spectra: Record<string, (j: number) => number> = {
    falling: (j) => 1e-2 / (1 + j),
    steep: (j) => 10 ** (-j / 8),
    'one alone': (j) => (j === 0 ? 1 : 1e-6),
    flat: (j) => 1 + j / 1e4,
  };
  for (const [name, eigenvalueOf] of Object.entries(spectra)) {
    const d = 200;
    const [estimated, exact] = await bothChecks(exactBasis(d, randomOrthogonal(d, 7), eigenvalueOf));
    for (const { name: check, measured, tolerance, verdict } of [...estimated, ...exact]) {
      t.log(`${name}, ${check}: ${measured!.toExponential(2)} of ${tolerance!.toExponential(2)}`);
      t.is(verdict, 'passed');
      t.true(tolerance! <= 12 * measured!, `${name}, ${check}`);
    }
  }
});

test('the estimate of a residual is the residual, within what 64 random vectors leave', async (t) => {
  for (const [d, wrong] of [
    [40, 1],
    [300, 1],
    [300, 300],
  ] as const) {
    const basis = exactBasis(d);
    const { vectors } = basis;
    for (let j = 0; j < wrong; j++)
      for (let i = 0; i < d; i++) vectors[i * d + j]! += 1e-3 * Math.sin(i * (j + 2));
    const [estimated, exact] = await bothChecks(basis);
    const ratio = estimated[1]!.measured! / exact[1]!.measured!;
    t.log(`d = ${d}, ${wrong} wrong: ${ratio.toFixed(4)}`);
    t.true(Math.abs(ratio - 1) < 0.35);
    t.is(estimated[1]!.verdict, 'failed');
  }
});

test('eigenvectors along the axes are exact, and nothing else passes for them', async (t) => {
  const d = 64;
  const unit = new Float64Array(d * d);
  for (let i = 0; i < d; i++) unit[i * d + i] = 1;
  const basis = exactBasis(d, unit);
  t.deepEqual(await verdicts(t, basis), { orthonormality: 'passed', residual: 'passed' });
  // By a millionth: what storing it would have cost a dense vector is no excuse.
  basis.vectors[1] = 1e-6;
  t.deepEqual(await verdicts(t, basis), { orthonormality: 'failed', residual: 'failed' });
});

test('eigenvectors of which two alone are not along an axis pass, whatever their angle', async (t) => {
  const d = 48;
  for (let step = 1; step <= 200; step++) {
    const q = new Float64Array(d * d);
    for (let i = 0; i < d; i++) q[i * d + i] = 1;
    const angle = (step * Math.PI) / 402;
    q[0] = q[d + 1] = Math.cos(angle);
    q[1] = -Math.sin(angle);
    q[d] = Math.sin(angle);
    const [estimated, exact] = await bothChecks(exactBasis(d, q, (j) => (j === 0 ? 1 : 1e-9)));
    for (const { verdict, name, measured, tolerance } of [...estimated, ...exact])
      t.is(verdict, 'passed', `${name} at ${angle}: ${measured} of ${tolerance}`);
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

/** An orthogonal matrix whose column 0 is (1, ..., 1) / sqrt(d), of one Householder reflection. */
function withConstantColumn(d: number) {
  const q = new Float64Array(d * d);
  const first = 1 / Math.sqrt(d);
  // H = I - 2 w w^T / w^T w takes the first unit vector to the constant one.
  const w = Float64Array.from({ length: d }, (_, i) => first - (i === 0 ? 1 : 0));
  const square = w.reduce((sum, value) => sum + value * value, 0);
  for (let i = 0; i < d; i++)
    for (let j = 0; j < d; j++) q[i * d + j] = (i === j ? 1 : 0) - (2 * w[i]! * w[j]!) / square;
  return q;
}

/** The eigenvectors of every circulant: cosines and sines. */
function fourier(d: number) {
  const q = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) {
      const angle = (2 * Math.PI * Math.ceil(j / 2) * i) / d;
      const isAlone = j === 0 || (d % 2 === 0 && j === d - 1);
      q[i * d + j] =
        (j % 2 === 0 && !isAlone ? Math.sin(angle) : Math.cos(angle)) * Math.sqrt((isAlone ? 1 : 2) / d);
    }
  }
  return q;
}

/** Random orthogonal vectors beside the constant one: those of rows whose mean is zero. */
function meanFree(d: number) {
  const [constant, random] = [withConstantColumn(d), randomOrthogonal(d - 1, d)];
  const q = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    q[i * d] = constant[i * d]!;
    for (let j = 1; j < d; j++) {
      let sum = 0;
      for (let k = 1; k < d; k++) sum += constant[i * d + k]! * random[(k - 1) * (d - 1) + j - 1]!;
      q[i * d + j] = sum;
    }
  }
  return q;
}

test('eigenvectors with equal entries, which are all rounded alike, pass at every size', async (t) => {
  const bases = { withConstantColumn, fourier, meanFree };
  const spectra = {
    falling: (j: number) => 1e-2 / (1 + j),
    'one above all': (j: number) => (j === 0 ? 1 : 1e-3),
    'one below all': (j: number) => (j === 0 ? 1e-9 : 1 + 1 / (1 + j)),
  };
  for (const d of [2, 3, 5, 7, 48, 96, 200, 384]) {
    for (const [name, basisOf] of Object.entries(bases)) {
      const q = basisOf(d);
      for (const [spectrum, eigenvalueOf] of Object.entries(spectra)) {
        const [estimated, exact] = await bothChecks(exactBasis(d, q, eigenvalueOf));
        for (const { name: check, verdict, measured, tolerance } of [...estimated, ...exact])
          t.is(verdict, 'passed', `${name}, ${spectrum}, d = ${d}, ${check}: ${measured} of ${tolerance}`);
      }
    }
  }
});
