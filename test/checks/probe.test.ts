import test from 'ava';
import { freivaldsProbe } from '../../src/checks/probe.js';
import { randomOrthogonal } from '../helpers/random.js';

test('both vectors are unit vectors, the same every time: one of equal sizes, one of sizes that all differ', (t) => {
  for (const d of [1, 2, 31, 256]) {
    const eigenvectors = Float32Array.from(randomOrthogonal(d, 1));
    const { vectors } = freivaldsProbe(eigenvectors, d);
    const [even, uneven] = [vectors.subarray(0, d), vectors.subarray(d)];
    t.deepEqual(new Set(even.map(Math.abs)), new Set([1 / Math.sqrt(d)]));
    t.is(new Set(uneven.map(Math.abs)).size, d);
    t.true(Math.abs(Math.hypot(...uneven) - 1) <= d * Number.EPSILON);
    t.true(uneven.every((value) => value ** 2 * d >= 0.4 && value ** 2 * d <= 1.7));
    t.deepEqual(freivaldsProbe(eigenvectors.toReversed(), d).vectors, vectors);
  }
});

test('both signs come up about as often, in each vector and in both together', (t) => {
  const d = 2560;
  const signs = freivaldsProbe(new Float32Array(d * d), d).vectors.map(Math.sign);
  const tolerance = 4 * Math.sqrt(d);
  const surplusOf = (values: Float64Array) => Math.abs(values.reduce((total, value) => total + value, 0));
  const [first, second] = [signs.subarray(0, d), signs.subarray(d)];
  for (const values of [first, second, first.map((sign, j) => sign * second[j]!)]) {
    t.log(`surplus of one sign ${surplusOf(values)} of ${tolerance.toFixed(0)}`);
    t.true(surplusOf(values) <= tolerance);
  }
});

test('the images are V r: for the identity r itself, else by the definition', (t) => {
  const d = 37;
  const identity = Float32Array.from({ length: d * d }, (_, k) => (k % (d + 1) === 0 ? 1 : 0));
  const unchanged = freivaldsProbe(identity, d);
  t.deepEqual(unchanged.images, unchanged.vectors);

  const eigenvectors = Float32Array.from(randomOrthogonal(d, 2));
  const { vectors, images } = freivaldsProbe(eigenvectors, d);
  let deviation = 0;
  let tolerance = 0;
  for (let k = 0; k < 2 * d; k++) {
    const [q, i] = [Math.floor(k / d), k % d];
    const terms = Array.from({ length: d }, (_, j) => eigenvectors[i * d + j]! * vectors[q * d + j]!);
    const magnitude = terms.reduce((sum, term) => sum + Math.abs(term), 0);
    // Summed backwards, so the two round differently.
    const expected = terms.reduceRight((sum, term) => sum + term, 0);
    deviation = Math.max(deviation, Math.abs(images[k]! - expected));
    tolerance = Math.max(tolerance, d * Number.EPSILON * magnitude);
  }
  t.log(`images: off by ${deviation.toExponential(1)} of ${tolerance.toExponential(1)}`);
  t.true(deviation <= tolerance);
});

test('no two columns can change places unseen, neighbours least of all', (t) => {
  for (const d of [2, 64, 2560]) {
    const { vectors } = freivaldsProbe(new Float32Array(d * d), d);
    const uneven = vectors.subarray(d).toSorted();
    const gaps = uneven.subarray(1).map((value, j) => value - uneven[j]!);
    t.true(Math.min(...gaps) > 0, `${d}`);
    const ofNeighbours = vectors.subarray(d + 1).map((value, j) => Math.abs(value - vectors[d + j]!));
    const least = Math.min(...ofNeighbours) * Math.sqrt(d);
    t.log(`d = ${d}: neighbours differ by ${least.toFixed(3)} / sqrt(d) at least`);
    t.true(least >= 0.1);
  }
});
