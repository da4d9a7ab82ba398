import test, { type ExecutionContext } from 'ava';
import { InputError } from '../../../src/errors.js';
import type { Backend } from '../../../src/linalg/backend/backend.js';
import { loadKoffi } from '../../../src/linalg/backend/koffi.js';
import { portableBackend } from '../../../src/linalg/backend/portable-backend.js';
import { systemBackend } from '../../../src/linalg/backend/system-backend.js';
import { openSystemLibrary } from '../../../src/linalg/backend/system-library.js';
import { KernelMemory } from '../../../src/linalg/kernels/kernel-memory.js';
import { randomFloat32, randomFloat64 } from '../../helpers/random.js';
import { systemKernelsTest } from '../../helpers/system-libraries.js';
import { webgpuTest } from '../../helpers/webgpu.js';

type Values = Float32Array | Float64Array;

/** A named test of every backend that this machine has. */
function forEachBackend(title: string, check: (t: ExecutionContext, kernels: Backend) => Promise<void>) {
  test(`portable: ${title}`, (t) => check(t, portableBackend));
  systemKernelsTest(`system: ${title}`, check);
  webgpuTest(`webgpu: ${title}`, check);
}

/** [m, k, n]: vectors, the widths of vector registers, and each one beside. */
const sizes = [
  [1, 1, 1],
  [2, 1, 2],
  [2, 7, 1],
  [3, 31, 33],
  [16, 64, 48],
  [63, 65, 64],
  [129, 128, 127],
  [40, 257, 100],
] as const;

function matrixOf<T extends Values>(values: T, rows: number, columns: number) {
  return { values, rows, columns };
}

/** The largest |out - (start + A B)| in units of |start| + |A| |B|, by plain float64 loops; a NaN stays. */
function relativeError(
  a: { values: Values; rows: number; columns: number },
  b: { values: Values; columns: number },
  out: Values,
  start?: Values,
): number {
  let worst = 0;
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.columns; j++) {
      let sum = start?.[i * b.columns + j] ?? 0;
      let magnitude = Math.abs(sum);
      for (let l = 0; l < a.columns; l++) {
        const term = a.values[i * a.columns + l]! * b.values[l * b.columns + j]!;
        sum += term;
        magnitude += Math.abs(term);
      }
      worst = Math.max(worst, Math.abs(out[i * b.columns + j]! - sum) / magnitude);
    }
  }
  return worst;
}

function judge(t: ExecutionContext, what: string, deviation: number, tolerance: number): void {
  t.log(`${what}: ${deviation.toExponential(2)}, at most ${tolerance.toExponential(2)}`);
  t.true(deviation <= tolerance, what);
}

forEachBackend('products in float32 and float64 are those of the definition', async (t, kernels) => {
  const product = await kernels.product(2);
  for (const [m, k, n] of sizes) {
    const single = [
      randomFloat32(m * k, 1),
      randomFloat32(k * n, 2),
      new Float32Array(m * n).fill(NaN),
    ] as const;
    const double = [
      randomFloat64(m * k, 3),
      randomFloat64(k * n, 4),
      new Float64Array(m * n).fill(NaN),
    ] as const;
    const [a, b, out] = [matrixOf(single[0], m, k), matrixOf(single[1], k, n), matrixOf(single[2], m, n)];
    const fixed = await kernels.fixedProduct(b, 1);
    await fixed.multiply(a, out);
    await fixed.release();
    // k products and sums, each of which rounds.
    judge(t, `${m} x ${k} x ${n}, float32`, relativeError(a, b, out.values), k * 2 ** -24);
    const [c, d, result] = [matrixOf(double[0], m, k), matrixOf(double[1], k, n), matrixOf(double[2], m, n)];
    await product.multiply(c, d, result);
    // The loops here round as well.
    judge(t, `${m} x ${k} x ${n}, float64`, relativeError(c, d, result.values), 2 * k * 2 ** -53);
  }
  await product.release();
});

forEachBackend('outer products are added to what is there', async (t, kernels) => {
  const sums = await kernels.outerProducts(1);
  for (const [m, k, n] of sizes) {
    const a = matrixOf(randomFloat64(m * k, 5), m, k);
    const b = matrixOf(randomFloat64(k * n, 6), k, n);
    const start = randomFloat64(m * n, 7);
    const out = matrixOf(start.slice(), m, n);
    const columns = matrixOf(
      b.values.map((_, index) => b.values[(index % k) * n + Math.floor(index / k)]!),
      n,
      k,
    );
    await sums.add(a, columns, out);
    judge(t, `${m} x ${k} x ${n}`, relativeError(a, b, out.values, start), 2 * (k + 1) * 2 ** -53);
  }
  await sums.release();
});

forEachBackend(
  'operands and result may lie in WebAssembly memory, and nothing around is written',
  async (t, kernels) => {
    const [m, k, n] = [5, 31, 17];
    const regions = new KernelMemory('').allot({
      unused: 100,
      a: m * k * 4,
      b: k * n * 4,
      out: (m + 2) * n * 4,
    });
    const a = matrixOf(regions.a.float32, m, k);
    const b = matrixOf(regions.b.float32, k, n);
    a.values.set(randomFloat32(m * k, 8));
    b.values.set(randomFloat32(k * n, 9));
    regions.out.float32.fill(7);
    const out = matrixOf(regions.out.float32.subarray(n, (m + 1) * n), m, n);
    const product = await kernels.fixedProduct(b, 1);
    await product.multiply(a, out);
    await product.release();
    judge(t, `${m} x ${k} x ${n}`, relativeError(a, b, out.values), k * 2 ** -24);
    const around = [...regions.out.float32.subarray(0, n), ...regions.out.float32.subarray((m + 1) * n)];
    t.deepEqual(new Set(around), new Set([7]));
  },
);

forEachBackend(
  "a row's bits depend neither on the other rows nor on how many there are",
  async (t, kernels) => {
    const bits = (values: Float32Array, from: number, length: number) =>
      Buffer.from(values.buffer, values.byteOffset + from * 4, length * 4);
    // A device runs one program for all sizes, and one made of software takes its time for the larger ones.
    const orders = kernels.choice.backend === 'webgpu' ? [1, 3, 31, 64] : [1, 3, 31, 64, 100, 256, 400, 520];
    for (const d of orders) {
      const rows = 200;
      const gamma = randomFloat32(rows * d, 10);
      const basis = matrixOf(randomFloat32(d * d, 11), d, d);
      const product = await kernels.fixedProduct(basis, 1);
      const whole = new Float32Array(rows * d);
      await product.multiply(matrixOf(gamma, rows, d), matrixOf(whole, rows, d));
      const different: unknown[] = [];
      for (const count of [2, 3, 4, 7, 8, 15, 16, 17, 33, 64, 129]) {
        for (const first of [0, 1, 6, rows - count]) {
          const out = new Float32Array(count * d);
          const part = gamma.subarray(first * d, (first + count) * d);
          await product.multiply(matrixOf(part, count, d), matrixOf(out, count, d));
          if (!bits(out, 0, count * d).equals(bits(whole, first * d, count * d)))
            different.push({ first, count });
        }
      }
      t.deepEqual(different, [], `d = ${d}`);
      await product.release();
    }
  },
);

forEachBackend('shapes that do not fit are refused', async (t, kernels) => {
  const matrix = (rows: number, columns: number, length = rows * columns) =>
    matrixOf(new Float64Array(length), rows, columns);
  const [product, sums] = [await kernels.product(1), await kernels.outerProducts(1)];
  for (const [a, b, out] of [
    [matrix(2, 3), matrix(4, 5), matrix(2, 5)],
    [matrix(2, 3), matrix(3, 5), matrix(2, 4)],
    [matrix(2, 3, 7), matrix(3, 5), matrix(2, 5)],
    [matrix(2, 3), matrix(3, 5), matrix(2, 5, 9)],
  ] as const) {
    await t.throwsAsync(product.multiply(a, b, out), { instanceOf: RangeError, message: /does not fit/ });
    const columns = { values: b.values, rows: b.columns, columns: b.rows };
    await t.throwsAsync(sums.add(a, columns, out), { instanceOf: RangeError, message: /does not fit/ });
  }
  await product.release();
  await sums.release();

  const single = (rows: number, columns: number, length = rows * columns) =>
    matrixOf(new Float32Array(length), rows, columns);
  await t.throwsAsync(kernels.fixedProduct(single(3, 5, 14), 1), {
    instanceOf: RangeError,
    message: 'a matrix of 3 x 5 (14 values) is not its shape',
  });
  const fixed = await kernels.fixedProduct(single(3, 5), 1);
  for (const [a, out] of [
    [single(2, 4), single(2, 5)],
    [single(2, 3), single(2, 4)],
    [single(2, 3, 7), single(2, 5)],
    [single(2, 3), single(2, 5, 9)],
  ] as const) {
    await t.throwsAsync(fixed.multiply(a, out), { instanceOf: RangeError, message: /does not fit/ });
  }
  await fixed.release();
});

function symmetric(n: number, entry: (i: number, j: number) => number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) out[i * n + j] = out[j * n + i] = entry(i, j);
  return out;
}

function randomSymmetric(n: number): Float64Array {
  const values = randomFloat64(n * n, n);
  return symmetric(n, (i, j) => values[i * n + j]!);
}

for (const n of [1, 2, 3, 31, 32, 33, 64, 127, 200]) {
  forEachBackend(
    `eigenvectors diagonalise a matrix of order ${n}, of which the lower triangle is read`,
    async (t, kernels) => {
      const matrix = randomSymmetric(n);
      const lower = matrix.map((value, k) => (k % n <= Math.floor(k / n) ? value : Number.NaN));
      const before = lower.slice();
      const { eigenvalues, eigenvectors } = await kernels.eigh(lower, n, { threads: 2 });
      t.deepEqual(lower, before, 'the matrix is not modified');
      t.true(
        eigenvalues.every((value, j) => j === 0 || eigenvalues[j - 1]! <= value),
        'ascending',
      );
      let [residual, norm, orthogonality] = [0, 0, 0];
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          let image = -eigenvectors[i * n + j]! * eigenvalues[j]!;
          let gram = i === j ? -1 : 0;
          for (let k = 0; k < n; k++) {
            image += matrix[i * n + k]! * eigenvectors[k * n + j]!;
            gram += eigenvectors[k * n + i]! * eigenvectors[k * n + j]!;
          }
          residual += image ** 2;
          norm += matrix[i * n + j]! ** 2;
          orthogonality = Math.max(orthogonality, Math.abs(gram));
        }
      }
      // n roundings a dot product of the check itself, and a few of the solver.
      judge(t, 'max |V^T V - I|', orthogonality, (n + 8) * Number.EPSILON);
      judge(t, '||A V - V D||_F / ||A||_F', Math.sqrt(residual / norm), (n + 8) * Number.EPSILON);
    },
  );
}

forEachBackend('a matrix that is not finite, or not its shape, is refused by name', async (t, kernels) => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const matrix = randomSymmetric(5).with(3 * 5 + 1, bad);
    await t.throwsAsync(kernels.eigh(matrix, 5), {
      instanceOf: InputError,
      message: `the matrix has ${bad} at row 3, column 1: it must be finite`,
    });
  }
  for (const n of [0, 2.5, 4]) {
    await t.throwsAsync(kernels.eigh(new Float64Array(9), n), {
      instanceOf: InputError,
      message: /n x n values, n >= 1; got n = .* and 9 values/,
    });
  }
});

systemKernelsTest('both backends find the same basis, but for the signs', async (t, system) => {
  const n = 150;
  // Well separated eigenvalues: a gap of 1 in a norm of n.
  const noise = randomSymmetric(n);
  const matrix = symmetric(n, (i, j) => (i === j ? i : 0) + noise[i * n + j]! / n);
  const [one, other] = [await portableBackend.eigh(matrix, n), await system.eigh(matrix, n)];
  let [value, vector] = [0, 0];
  for (let j = 0; j < n; j++) {
    value = Math.max(value, Math.abs(one.eigenvalues[j]! - other.eigenvalues[j]!));
    let overlap = 0;
    for (let i = 0; i < n; i++) overlap += one.eigenvectors[i * n + j]! * other.eigenvectors[i * n + j]!;
    for (let i = 0; i < n; i++) {
      const difference = one.eigenvectors[i * n + j]! - Math.sign(overlap) * other.eigenvectors[i * n + j]!;
      vector = Math.max(vector, Math.abs(difference));
    }
  }
  // Backward errors of a few eps ||A||; an eigenvector turns by that over its gap.
  judge(t, 'eigenvalues', value, 20 * n * Number.EPSILON);
  judge(t, 'eigenvectors', vector, 40 * n * Number.EPSILON);
});

systemKernelsTest('float32 products, used or not, differ by rounding alone', async (t, { choice }) => {
  if (choice.backend !== 'system') return t.fail('these are the portable kernels');
  const library = openSystemLibrary(await loadKoffi(), choice);
  const [m, d] = [70, 130];
  const a = matrixOf(randomFloat32(m * d, 12), m, d);
  const b = matrixOf(randomFloat32(d * d, 13), d, d);
  const [one, other] = [matrixOf(new Float32Array(m * d), m, d), matrixOf(new Float32Array(m * d), m, d)];
  const own = await systemBackend(library, { float32: 'system', sums: 'system' }).fixedProduct(b, 1);
  const portable = await portableBackend.fixedProduct(b, 1);
  await own.multiply(a, one);
  await portable.multiply(a, other);
  await portable.release();
  judge(t, 'system', relativeError(a, b, one.values), d * 2 ** -24);
  judge(t, 'portable', relativeError(a, b, other.values), d * 2 ** -24);
});
