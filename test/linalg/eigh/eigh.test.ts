import test, { type ExecutionContext } from 'ava';
import { eigs, matrix } from 'mathjs';
import { InputError } from '../../../src/errors.js';
import { type Eigendecomposition, type EighOptions, eigh } from '../../../src/linalg/eigh/eigh.js';
import { campaignLack } from '../../helpers/campaign.js';
import { randomNumbers } from '../../helpers/random.js';
import { sameBits } from '../../helpers/same-bits.js';
import { testUnless } from '../../helpers/test-unless.js';

/** Asserts that two decompositions have the same bits. */
function sameResult(t: ExecutionContext, a: Eigendecomposition, b: Eigendecomposition): void {
  sameBits(t, a.eigenvalues, b.eigenvalues);
  sameBits(t, a.eigenvectors, b.eigenvectors);
}

const STRETCH = 32;

/** Entry (i, j), j <= i, of a symmetric matrix. */
type Entry = (i: number, j: number) => number;

function symmetric(n: number, entry: Entry): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) out[i * n + j] = out[j * n + i] = entry(i, j);
  }
  return out;
}

function randomSymmetric(n: number, seed: number): Float64Array {
  const random = randomNumbers(seed);
  return symmetric(n, () => random.normal());
}

/** G diag(values) G^T for a random n x values.length matrix G with entries of variance 1 / n. */
function randomProduct(n: number, values: readonly number[], seed: number): Float64Array {
  const random = randomNumbers(seed);
  const g = Float64Array.from({ length: n * values.length }, () => random.normal() / Math.sqrt(n));
  const k = values.length;
  return symmetric(n, (i, j) => {
    let sum = 0;
    for (let l = 0; l < k; l++) sum += g[i * k + l]! * values[l]! * g[j * k + l]!;
    return sum;
  });
}

/** Like a causal metric: eigenvalues from 1e2 to 1e5, most of them around 2e3. */
function metricLike(n: number, seed: number): Float64Array {
  const random = randomNumbers(seed);
  const values = Array.from({ length: n }, () =>
    Math.min(1e5, Math.max(1e2, 2e3 * Math.exp(random.normal()))),
  );
  return randomProduct(n, values, seed + 1);
}

/** Checks A V = V D, V^T V = I and the order of the eigenvalues. */
async function checkDecomposition(
  t: ExecutionContext,
  a: Float64Array,
  n: number,
  options: EighOptions = {},
) {
  const before = a.slice();
  const { eigenvalues, eigenvectors: v } = await eigh(a, n, options);
  sameBits(t, a, before, 'the matrix is not modified');
  t.true(
    eigenvalues.every((value, j) => j === 0 || eigenvalues[j - 1]! <= value),
    'ascending',
  );

  // In units of the largest entry, whose square might overflow.
  const unit = a.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
  let orthogonality = 0;
  let squares = 0;
  let normSquares = 0;
  for (let i = 0; i < n; i++) {
    const gram = new Float64Array(n);
    const residual = new Float64Array(n);
    // Summed in stretches: a long running sum of equal terms would be off by more than the decomposition.
    for (let first = 0; first < n; first += STRETCH) {
      const gramPart = new Float64Array(n);
      const residualPart = new Float64Array(n);
      for (let k = first; k < Math.min(first + STRETCH, n); k++) {
        const x = v[k * n + i]!;
        const y = a[i * n + k]! / unit;
        normSquares += y * y;
        for (let j = 0; j < n; j++) {
          gramPart[j]! += x * v[k * n + j]!;
          residualPart[j]! += y * v[k * n + j]!;
        }
      }
      for (let j = 0; j < n; j++) {
        gram[j]! += gramPart[j]!;
        residual[j]! += residualPart[j]!;
      }
    }
    for (let j = 0; j < n; j++) {
      const deviation = Math.abs(gram[j]! - (i === j ? 1 : 0));
      if (!(deviation <= orthogonality)) orthogonality = deviation;
      squares += (residual[j]! - v[i * n + j]! * (eigenvalues[j]! / unit)) ** 2;
    }
  }
  // Each of the log2 n levels of divisions and of block products adds a few roundings to what orthogonal
  // transformations keep in norm.
  const growth = 2 + Math.log2(n);
  judge(t, `n = ${n}: max |V^T V - I|`, orthogonality, Math.min(1e-13, 8 * growth * Number.EPSILON));
  const residual = Math.sqrt(squares) / (Math.sqrt(normSquares) || 1);
  judge(t, `n = ${n}: ||A V - V D||_F / ||A||_F`, residual, Math.min(1e-14, 4 * growth * Number.EPSILON));
  return { eigenvalues, eigenvectors: v };
}

function judge(t: ExecutionContext, what: string, deviation: number, tolerance: number): void {
  t.log(`${what} = ${deviation.toExponential(2)}, at most ${tolerance.toExponential(2)}`);
  t.true(deviation <= tolerance, `${what} is ${deviation}, above ${tolerance}`);
}

for (const n of [1, 2, 3, 4, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 500]) {
  test(`decomposes a random symmetric matrix of order ${n}`, async (t) => {
    await checkDecomposition(t, randomSymmetric(n, n), n);
  });
}

const special: Record<string, Entry> = {
  zero: () => 0,
  'zeros of both signs': (i, j) => ((i + j) % 2 === 0 ? 0 : -0),
  identity: (i, j) => (i === j ? 1 : 0),
  'a diagonal that does not ascend': (i, j) => (i === j ? ((i * 37) % 101) - 50 : 0),
  'a diagonal of three repeated values': (i, j) => (i === j ? (i % 3) + 1 : 0),
  'all ones': () => 1,
  'the second difference (1, -2, 1)': (i, j) => (i === j ? -2 : i - j === 1 ? 1 : 0),
  'Wilkinson, of close pairs of eigenvalues': (i, j) => (i === j ? Math.abs(i - 255.5) : i - j === 1 ? 1 : 0),
  'graded over 300 orders of magnitude': (i, j) => 10 ** (-0.3 * (i + j)) * (i === j ? 2 : 1),
  'tridiagonal with negative couplings': (i, j) => (i === j ? i % 7 : i - j === 1 ? -1 - (i % 3) : 0),
};
// Two that are reduced column by column, the second with the longest sums, and one in blocks.
for (const n of [99, 256, 512]) {
  for (const [name, entry] of Object.entries(special)) {
    test(`decomposes a matrix of order ${n}: ${name}`, async (t) => {
      await checkDecomposition(t, symmetric(n, entry), n);
    });
  }

  test(`decomposes a matrix of order ${n} and rank 20`, async (t) => {
    const values = Array.from({ length: 20 }, (_, k) => k + 1);
    const { eigenvalues } = await checkDecomposition(t, randomProduct(n, values, 7), n);
    t.is(eigenvalues.filter((value) => Math.abs(value) > 1e-10).length, 20);
  });

  test(`reads the lower triangle only, of order ${n}`, async (t) => {
    const a = randomSymmetric(n, 9);
    const lower = a.map((value, k) => (k % n <= Math.floor(k / n) ? value : Number.NaN));
    sameResult(t, await eigh(lower, n), await eigh(a, n));
  });
}

test('decomposes four copies of one block along the diagonal', async (t) => {
  const block = randomSymmetric(128, 11);
  const entry: Entry = (i, j) => (i >> 7 === j >> 7 ? block[(i & 127) * 128 + (j & 127)]! : 0);
  await checkDecomposition(t, symmetric(512, entry), 512);
});

test('decomposes a matrix with the spectrum of a metric', async (t) => {
  await checkDecomposition(t, metricLike(512, 3), 512);
});

for (const factor of [1e150, 1e170, 1e300, 1e-170, 1e-300, 1e-307]) {
  test(`decomposes a matrix scaled by ${factor}`, async (t) => {
    await checkDecomposition(
      t,
      randomSymmetric(128, 5).map((value) => value * factor),
      128,
    );
  });
}

test('decomposes a matrix of subnormal entries like its multiple by a power of two', async (t) => {
  for (const n of [50, 260]) {
    const tiny = randomSymmetric(n, 6).map((value) => value * 1e-315);
    const { eigenvalues, eigenvectors } = await eigh(tiny, n);
    const large = await eigh(
      tiny.map((value) => value * 2 ** 1000),
      n,
    );
    sameBits(t, eigenvectors, large.eigenvectors);
    sameBits(
      t,
      eigenvalues,
      large.eigenvalues.map((value) => value * 2 ** -1000),
    );
  }
});

test('gives the eigenvalues of 1-2-1 by their formula', async (t) => {
  const n = 300;
  const { eigenvalues } = await eigh(
    symmetric(n, (i, j) => (i === j ? 2 : i - j === 1 ? -1 : 0)),
    n,
  );
  const deviations = eigenvalues.map((value, k) =>
    Math.abs(value - 4 * Math.sin(((k + 1) * Math.PI) / (2 * (n + 1))) ** 2),
  );
  judge(t, 'largest deviation', Math.max(...deviations), 4 * (2 + Math.log2(n)) * 4 * Number.EPSILON);
});

test('agrees with mathjs', async (t) => {
  for (const n of [1, 2, 3, 5, 8, 12]) {
    const a = randomSymmetric(n, 20 + n);
    const rows = Array.from({ length: n }, (_, i) => Array.from(a.subarray(i * n, (i + 1) * n)));
    const reference = Float64Array.from(
      eigs(matrix(rows), { precision: 1e-15, eigenvectors: false }).values.valueOf() as number[],
    ).sort();
    const { eigenvalues } = await eigh(a, n);
    const deviation = Math.max(...eigenvalues.map((value, j) => Math.abs(value - reference[j]!)));
    // mathjs stops its Jacobi rotations at entries of this size, and sums n of them.
    judge(t, `n = ${n}: largest deviation from mathjs`, deviation, n * n * 1e-14);
  }
});

test('refuses what is not finite and says where it is', async (t) => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const a = randomSymmetric(5, 1);
    a[3 * 5 + 2] = value;
    const error = await t.throwsAsync(eigh(a, 5), { instanceOf: InputError });
    t.regex(error.message, new RegExp(`${value} at row 3, column 2`));
  }
});

test('refuses a shape that does not fit', async (t) => {
  await t.throwsAsync(eigh(new Float64Array(5), 2), {
    instanceOf: InputError,
    message: /n = 2 and 5 values/,
  });
  await t.throwsAsync(eigh(new Float64Array(0), 0), { instanceOf: InputError });
});

test('gives the same bits every time, whatever was decomposed before', async (t) => {
  for (const n of [70, 101, 300]) {
    const a = randomSymmetric(n, 33);
    const first = await eigh(a, n);
    await eigh(metricLike(256, 4), 256);
    sameResult(t, await eigh(a, n), first);
  }
});

test('gives the same bits for matrices that are decomposed at the same time as one after another', async (t) => {
  const matrices = [130, 64, 257, 130, 16].map((n) => ({ n, a: randomSymmetric(n, n + 1) }));
  const together = await Promise.all(matrices.map(({ a, n }) => eigh(a, n)));
  for (const [k, { a, n }] of matrices.entries()) sameResult(t, together[k]!, await eigh(a, n));
});

test('gives the same bits whether two or four threads multiply or one does', async (t) => {
  // Its halves leave a single row beyond their strips. Three threads are two; one reduces to tridiagonal form alone.
  const odd = metricLike(1026, 3);
  sameResult(t, await eigh(odd, 1026, { threads: 3 }), await eigh(odd, 1026, { threads: 1 }));
  const even = randomSymmetric(1282, 4);
  sameResult(t, await eigh(even, 1282, { threads: 4 }), await eigh(even, 1282, { threads: 1 }));
});

test('gives the same bits whether two threads do all steps or one does', async (t) => {
  const even = randomSymmetric(1602, 4);
  sameResult(t, await eigh(even, 1602, { threads: 2 }), await eigh(even, 1602, { threads: 1 }));
});

testUnless(campaignLack)('gives the same bits whether four threads do all steps or one does', async (t) => {
  const even = randomSymmetric(1602, 4);
  sameResult(t, await eigh(even, 1602, { threads: 4 }), await eigh(even, 1602, { threads: 1 }));
});

test('decomposes with several threads', async (t) => {
  await checkDecomposition(t, randomSymmetric(900, 8), 900, { threads: 2 });
});

for (const n of [1, 33, 128, 900]) {
  test(`decomposes a matrix of order ${n} without fused multiply-add`, async (t) => {
    await checkDecomposition(t, randomSymmetric(n, 10 + n), n, { threads: 2, variant: 'plain' });
  });
}

// Serial: other tests have threads, too.
test.serial('leaves no thread behind', async (t) => {
  const before = process.getActiveResourcesInfo().filter((resource) => resource === 'MessagePort').length;
  await eigh(randomSymmetric(1600, 2), 1600, { threads: 2 });
  const after = process.getActiveResourcesInfo().filter((resource) => resource === 'MessagePort').length;
  t.is(after, before);
});
