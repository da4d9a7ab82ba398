import test, { type ExecutionContext } from 'ava';
import { RunError } from '../../../src/errors.js';
import { implicitQl } from '../../../src/linalg/eigh/implicit-ql.js';
import { loadQlKernels } from '../../../src/linalg/kernels/eigh-kernels.js';
import { KernelMemory } from '../../../src/linalg/kernels/kernel-memory.js';
import { randomNumbers } from '../../helpers/random.js';

const memory = new KernelMemory('');
const solver = { memory, ql: loadQlKernels(memory) };

/** Entries beside the diagonal. */
const kinds: Record<string, (i: number, random: () => number) => number> = {
  random: (_, random) => random() - 0.5,
  'in blocks': (i, random) => (i % 5 === 4 ? 0 : random() - 0.5),
  'of magnitudes from 1 down to where squares underflow': (i, random) =>
    (random() - 0.5) * 10 ** (-25 * (i % 8)),
  negligible: (i, random) => (random() - 0.5) * (i % 2 === 0 ? 1e-200 : 5e-324),
};

for (const [kind, entry] of Object.entries(kinds)) {
  test(`decomposes small tridiagonal matrices with entries beside the diagonal ${kind}`, (t) => {
    for (const n of [1, 2, 3, 7, 8, 9, 31, 32]) check(t, n, entry);
  });
}

function check(t: ExecutionContext, n: number, entry: (i: number, random: () => number) => number): void {
  const random = randomNumbers(n);
  const d = Float64Array.from({ length: n }, () => random.uniform() - 0.5);
  const e = Float64Array.from({ length: n }, (_, i) => entry(i, random.uniform));
  const values = d.slice();
  const z = implicitQl(values, e, solver);
  let deviation = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const above = i > 0 ? e[i - 1]! * z[(i - 1) * n + j]! : 0;
      const below = i < n - 1 ? e[i]! * z[(i + 1) * n + j]! : 0;
      const residual = above + d[i]! * z[i * n + j]! + below - values[j]! * z[i * n + j]!;
      let gram = 0;
      for (let k = 0; k < n; k++) gram += z[k * n + i]! * z[k * n + j]!;
      deviation = Math.max(deviation, Math.abs(residual), Math.abs(gram - (i === j ? 1 : 0)));
    }
  }
  // About two sweeps of n rotations for each eigenvalue, whose errors add up like a random walk.
  const tolerance = 4 * (1 + Math.sqrt(2 * n)) * Number.EPSILON;
  t.log(`n = ${n}: largest deviation ${deviation.toExponential(1)}, at most ${tolerance.toExponential(1)}`);
  t.true(deviation <= tolerance);
  t.true(values.every((value, j) => j === 0 || values[j - 1]! <= value));
}

test('names the eigenvalue that does not converge', (t) => {
  t.throws(() => implicitQl(Float64Array.from([Number.NaN, 1]), Float64Array.from([1]), solver), {
    instanceOf: RunError,
    message: 'the QL iteration for eigenvalue 0 did not converge after 50 sweeps',
  });
});
