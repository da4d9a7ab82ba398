/**
 * Eigendecompositions of symmetric matrices in float64, all eigenvectors: the portable solver beside LAPACK's dsyevd
 * (through the system backend, and in NumPy), and beside ml-matrix and mathjs where n is small. Two kinds of matrix:
 * a causal metric like that of a vocabulary, and a random one. Every result is checked before its time counts.
 *
 * usage: node dist/benchmarks/eigh.js [--sizes N,N,...] [--runs N] [--threads N]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { eigs } from 'mathjs';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import type { Backend } from '../src/linalg/backend/backend.js';
import { chooseBackend } from '../src/linalg/backend/choose-backend.js';
import { type Eigendecomposition, eigh } from '../src/linalg/eigh/eigh.js';
import { kernelVariant } from '../src/linalg/kernels/eigh-kernels.js';
import { Product } from '../src/linalg/product.js';
import { randomFloat64 } from '../test/helpers/random.js';
import { type EigenpairErrors, eigenpairErrors } from './eigenpair-errors.js';
import { alignedRows, machineLine, median, spread, wholeNumber, wholeNumbers } from './figures.js';
import { startNumpy } from './numpy-eigh.js';
import { interleave } from './rounds.js';

const { values: given } = parseArgs({
  options: {
    sizes: { type: 'string', default: '128,256,640,1280,2560,5120' },
    runs: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});
const sizes = wholeNumbers(given.sizes);
const runs = wholeNumber(given.runs);
const threads = wholeNumber(given.threads);

/**
 * Order above which a round takes minutes: a third of the runs, and no round that is not counted; and order up to which it takes
 * a second or two: five times the runs, behind as many that are not counted as the engine takes to compile what is hot.
 */
const LARGE = 2560;
const SMALL = 1280;
const WARM_UPS_OF_SMALL = 5;

/** Order up to which ml-matrix takes no more than a second or two. */
const ML_MATRIX_LARGEST = 640;
/** Order up to which mathjs takes no more than a second or two. */
const MATHJS_LARGEST = 128;

/** Errors that a solver of full accuracy may have. */
const STRICT: EigenpairErrors = { orthogonality: 1e-13, residual: 1e-14 };
/** Errors that the peers may have, which iterate to a tolerance of their own. */
const LENIENT: EigenpairErrors = { orthogonality: 1e-6, residual: 1e-6 };

interface Solver {
  name: string;
  largest: number;
  limit: EigenpairErrors;
  solve: (matrix: Float64Array, n: number) => Promise<EigenpairErrors & { seconds: number }>;
}

const system = await systemBackend();
const numpy = await startNumpy(threads);
const solvers: Solver[] = [
  solver('portable', (matrix, n) => eigh(matrix, n, { threads })),
  ...(kernelVariant() === 'plain'
    ? []
    : [solver('portable, plain', (matrix, n) => eigh(matrix, n, { threads, variant: 'plain' }))]),
  ...(system === null ? [] : [solver('system', (matrix, n) => system.eigh(matrix, n, { threads }))]),
  ...(numpy === null
    ? []
    : [{ name: 'NumPy', largest: Number.POSITIVE_INFINITY, limit: STRICT, solve: numpy.decompose }]),
  { ...solver('ml-matrix', solveWithMlMatrix), largest: ML_MATRIX_LARGEST, limit: LENIENT },
  { ...solver('mathjs', solveWithMathjs), largest: MATHJS_LARGEST, limit: LENIENT },
];

console.log(
  `eigh, float64, all eigenvectors, ${threads} threads, ${runs} interleaved runs, ${machineLine()}`,
);
console.log(
  `portable: ${kernelVariant() === 'fused' ? 'relaxed SIMD (FMA); plain: SIMD without it' : 'plain SIMD'}`,
);
if (system !== null) console.log(`system: ${system.identity.library}, ${system.identity.version}`);
if (numpy !== null) console.log(numpy.description);
try {
  for (const n of sizes) {
    const random = randomSymmetric(n);
    await compare('random symmetric', random, n);
    await compare('causal metric', await causalMetric(random, n), n);
  }
} finally {
  numpy?.close();
}

async function compare(kind: string, matrix: Float64Array, n: number): Promise<void> {
  const errors = new Map<string, EigenpairErrors[]>();
  const contenders = solvers
    .filter(({ largest }) => n <= largest)
    .map(({ name, limit, solve }) => ({
      name,
      run: async () => {
        const { seconds, ...reached } = await solve(matrix, n);
        checkErrors(`${name}, ${kind}, n = ${n}`, reached, limit);
        errors.set(name, [...(errors.get(name) ?? []), reached]);
        return seconds;
      },
    }));
  const [rounds, warmUps] =
    n > LARGE ? [Math.ceil(runs / 3), 0] : n > SMALL ? [runs, 1] : [5 * runs, WARM_UPS_OF_SMALL];
  const measured = await interleave(contenders, { rounds, warmUps });
  const ours = median(measured.get('portable')!);
  const worst = (name: string, figure: keyof EigenpairErrors) =>
    Math.max(...errors.get(name)!.map((reached) => reached[figure])).toExponential(1);
  console.log(`\n${kind}, n = ${n}, ${rounds} runs`);
  console.log(
    alignedRows([
      [
        ...['', 'seconds, median (min to max)', 'portable / it', 'GFLOP/s of 9 n^3'],
        ...['max |V^T V - I|', '||AV - VD|| / ||A||'],
      ],
      ...[...measured].map(([name, seconds]) => [
        name,
        spread(seconds, n < 1000 ? 4 : 2),
        (ours / median(seconds)).toFixed(2),
        ((9 * n ** 3) / median(seconds) / 1e9).toFixed(1),
        worst(name, 'orthogonality'),
        worst(name, 'residual'),
      ]),
    ]),
  );
}

function checkErrors(what: string, reached: EigenpairErrors, limit: EigenpairErrors): void {
  if (reached.orthogonality <= limit.orthogonality && reached.residual <= limit.residual) return;
  throw new Error(`${what}: ${JSON.stringify(reached)} is not within ${JSON.stringify(limit)}`);
}

/** Times `decompose` in this process, and checks what it gives outside the time. */
function solver(
  name: string,
  decompose: (matrix: Float64Array, n: number) => Promise<Eigendecomposition>,
): Solver {
  return {
    name,
    largest: Number.POSITIVE_INFINITY,
    limit: STRICT,
    solve: async (matrix, n) => {
      const started = performance.now();
      const result = await decompose(matrix, n);
      const seconds = (performance.now() - started) / 1000;
      return { seconds, ...(await eigenpairErrors(matrix, n, result, threads)) };
    },
  };
}

async function solveWithMlMatrix(matrix: Float64Array, n: number): Promise<Eigendecomposition> {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(
    Matrix.from1DArray(n, n, matrix),
    { assumeSymmetric: true },
  );
  return {
    eigenvalues: Float64Array.from(realEigenvalues),
    eigenvectors: Float64Array.from(eigenvectorMatrix.to1DArray()),
  };
}

async function solveWithMathjs(matrix: Float64Array, n: number): Promise<Eigendecomposition> {
  const rows = Array.from({ length: n }, (_, i) => Array.from(matrix.subarray(i * n, (i + 1) * n)));
  const { eigenvectors: pairs } = eigs(rows) as unknown as {
    eigenvectors: { value: number; vector: number[] }[];
  };
  const sorted = pairs.toSorted((a, b) => a.value - b.value);
  const eigenvectors = new Float64Array(n * n);
  for (const [j, { vector }] of sorted.entries()) {
    for (let i = 0; i < n; i++) eigenvectors[i * n + j] = vector[i]!;
  }
  return { eigenvalues: Float64Array.from(sorted, ({ value }) => value), eigenvectors };
}

async function systemBackend(): Promise<Backend | null> {
  const note = (line: string) => process.stderr.write(`${line}\n`);
  try {
    return await chooseBackend({ backend: 'system' }, note);
  } catch (error) {
    note(`system: ${(error as Error).message}; left out`);
    return null;
  }
}

/** Symmetric matrix of entries uniform in [-1, 1). */
function randomSymmetric(n: number): Float64Array {
  const matrix = randomFloat64(n * n, n);
  mirror(matrix, n);
  return matrix;
}

/**
 * Metric M = V diag(1 / (c + 1e-6)) V^T with covariance eigenvalues c = 3e-4 (q / (1 - q))^0.42 at the quantiles q, as
 * measured on Qwen3-4B. V are the eigenvectors of a random matrix: a random orthogonal basis.
 */
async function causalMetric(random: Float64Array, n: number): Promise<Float64Array> {
  const { eigenvectors: V } = await eigh(random, n, { threads });
  const scaled = new Float64Array(n * n);
  const transposed = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    const quantile = (j + 0.5) / n;
    const eigenvalue = 1 / (3e-4 * (quantile / (1 - quantile)) ** 0.42 + 1e-6);
    for (let i = 0; i < n; i++) {
      scaled[i * n + j] = V[i * n + j]! * eigenvalue;
      transposed[j * n + i] = V[i * n + j]!;
    }
  }
  const metric = new Float64Array(n * n);
  const square = (values: Float64Array) => ({ values, rows: n, columns: n });
  const product = await Product.create(threads);
  await product.multiply(square(scaled), square(transposed), square(metric));
  await product.release();
  mirror(metric, n);
  return metric;
}

/** Copies the lower triangle to the upper one. */
function mirror(matrix: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) matrix[j * n + i] = matrix[i * n + j]!;
  }
}
