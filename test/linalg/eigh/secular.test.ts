import test, { type ExecutionContext } from 'ava';
import { deflate } from '../../../src/linalg/eigh/deflation.js';
import { solveSecular } from '../../../src/linalg/eigh/secular.js';
import { loadSecularKernels } from '../../../src/linalg/kernels/eigh-kernels.js';
import { KernelMemory } from '../../../src/linalg/kernels/kernel-memory.js';
import { randomNumbers } from '../../helpers/random.js';

const memory = new KernelMemory('');
const secular = loadSecularKernels(memory);

/** Solves diag(d) + rho z z^T after deflation and checks the eigenpairs of what is left. */
function checkSecular(t: ExecutionContext, d: Float64Array, z: Float64Array, rho: number): number {
  const norm = Math.hypot(...z);
  const unit = z.map((value) => value / norm);
  const half = d.length >> 1;
  const left = deflate(d, unit, rho, half);
  const { roots, panels } = solveSecular(left, rho, { memory, secular }, 0);
  const count = roots.length;
  const [vectors] = panels.map(({ values }) => values) as [Float64Array];
  let orthogonality = 0;
  let residual = 0;
  for (let j = 0; j < count; j++) {
    // Rows are in the order of the deflation's columns; by pole they are d's.
    const column = new Float64Array(count);
    for (let r = 0; r < count; r++) column[left.order[r]!] = vectors[r * count + j]!;
    for (let k = 0; k < count; k++) {
      let sum = 0;
      for (let r = 0; r < count; r++) sum += vectors[r * count + j]! * vectors[r * count + k]!;
      orthogonality = Math.max(orthogonality, Math.abs(sum - (j === k ? 1 : 0)));
    }
    const projection = column.reduce((sum, value, i) => sum + value * left.z[i]!, 0);
    for (let i = 0; i < count; i++) {
      const error = (left.d[i]! - roots[j]!) * column[i]! + rho * left.z[i]! * projection;
      residual = Math.max(residual, Math.abs(error));
    }
  }
  const scale = Math.max(1, ...roots.map(Math.abs));
  t.log(
    `order ${d.length}, ${count} left: orthogonality ${orthogonality.toExponential(1)}, ` +
      `residual ${residual.toExponential(1)} of a norm of ${scale.toFixed(1)}`,
  );
  const tolerance = 8 * (2 + Math.log2(d.length)) * Number.EPSILON;
  t.true(orthogonality <= tolerance && residual <= tolerance * scale, `above ${tolerance.toExponential(1)}`);
  return count;
}

function ascendingHalves(d: Float64Array): Float64Array {
  const half = d.length >> 1;
  d.subarray(0, half).sort();
  d.subarray(half).sort();
  return d;
}

test('solves random equations of all small orders', (t) => {
  for (let count = 2; count <= 40; count++) {
    const random = randomNumbers(count);
    const d = ascendingHalves(Float64Array.from({ length: count }, random.uniform));
    const z = Float64Array.from({ length: count }, random.normal);
    t.is(checkSecular(t, d, z, 0.1 + random.uniform()), count);
  }
});

test('solves an equation whose poles lie within rounding of each other', (t) => {
  const random = randomNumbers(1);
  const d = Float64Array.from({ length: 100 }, (_, i) => (i % 5) + 1e-15 * random.uniform());
  checkSecular(
    t,
    ascendingHalves(d),
    d.map(() => random.normal()),
    1,
  );
});

test('solves an equation with weights of 15 orders of magnitude', (t) => {
  const random = randomNumbers(2);
  const d = ascendingHalves(Float64Array.from({ length: 120 }, random.uniform));
  checkSecular(
    t,
    d,
    d.map((_, i) => 10 ** -(i % 15) * random.normal()),
    0.5,
  );
});

test('solves equations with a rho that is very small or very large', (t) => {
  const random = randomNumbers(3);
  const d = ascendingHalves(Float64Array.from({ length: 60 }, random.uniform));
  const z = d.map(() => random.normal());
  for (const rho of [1e-13, 1e-6, 1e3]) checkSecular(t, d, z, rho);
});

test('deflates everything where rho is nothing', (t) => {
  const d = Float64Array.from([1, 3, 2, 4]);
  const left = deflate(d, Float64Array.from([0.5, 0.5, 0.5, 0.5]), 1e-20, 2);
  t.is(left.d.length, 0);
  t.deepEqual(Array.from(left.deflatedValues), [1, 2, 3, 4]);
  t.deepEqual(Array.from(left.deflatedColumns), [0, 2, 1, 3]);
});

test('deflates one of two equal eigenvalues by a rotation', (t) => {
  const left = deflate(Float64Array.from([1, 1]), Float64Array.from([0.6, 0.8]), 1, 1);
  t.deepEqual(Array.from(left.deflatedValues), [1]);
  t.is(left.rotations.length, 1);
  t.true(Math.abs(left.z[0]! - 1) <= Number.EPSILON);
});

test('forms the same eigenvectors panel by panel as at once', (t) => {
  const random = randomNumbers(4);
  const d = ascendingHalves(Float64Array.from({ length: 41 }, random.uniform));
  const z = d.map(() => random.normal() / Math.sqrt(41));
  const left = deflate(d, z, 1, 20);
  const [whole] = solveSecular(left, 1, { memory, secular }, 0).panels.map(({ values }) => values.slice());
  for (const panelColumns of [2, 8, 40, 42]) {
    const { panels } = solveSecular(left, 1, { memory, secular, panelColumns }, 0);
    t.is(panels.length, Math.ceil(41 / panelColumns));
    const joined = new Float64Array(41 * 41);
    for (const { first, columns, values } of panels)
      for (let r = 0; r < 41; r++)
        joined.set(values.subarray(r * columns, (r + 1) * columns), r * 41 + first);
    t.deepEqual(joined, whole, `${panelColumns} columns`);
  }
});
