import test from 'ava';
import { freivaldsProbe } from '../../src/checks/probe.js';
import { randomOrthogonal } from '../helpers/random.js';

test('the probe is a unit vector of equal magnitudes, the same every time', (t) => {
  for (const d of [1, 2, 31, 256]) {
    const eigenvectors = Float32Array.from(randomOrthogonal(d, 1));
    const { vector } = freivaldsProbe(eigenvectors, d);
    t.deepEqual(new Set(vector.map(Math.abs)), new Set([1 / Math.sqrt(d)]));
    t.deepEqual(freivaldsProbe(eigenvectors.toReversed(), d).vector, vector);
  }
});

test('both signs come up about as often', (t) => {
  const d = 2560;
  const { vector } = freivaldsProbe(new Float32Array(d * d), d);
  const sum = vector.reduce((total, value) => total + Math.sign(value), 0);
  const tolerance = 4 * Math.sqrt(d);
  t.log(`surplus of one sign ${Math.abs(sum)} of ${tolerance.toFixed(0)}`);
  t.true(Math.abs(sum) <= tolerance);
});

test('the image is V r: for the identity r itself, else by the definition', (t) => {
  const d = 37;
  const identity = Float32Array.from({ length: d * d }, (_, k) => (k % (d + 1) === 0 ? 1 : 0));
  const unchanged = freivaldsProbe(identity, d);
  t.deepEqual(unchanged.image, unchanged.vector);

  const eigenvectors = Float32Array.from(randomOrthogonal(d, 2));
  const { vector, image } = freivaldsProbe(eigenvectors, d);
  let deviation = 0;
  let tolerance = 0;
  for (let i = 0; i < d; i++) {
    const terms = Array.from(vector, (r, j) => eigenvectors[i * d + j]! * r);
    const magnitude = terms.reduce((sum, term) => sum + Math.abs(term), 0);
    // Summed backwards, so the two round differently.
    const expected = terms.reduceRight((sum, term) => sum + term, 0);
    deviation = Math.max(deviation, Math.abs(image[i]! - expected));
    tolerance = Math.max(tolerance, d * Number.EPSILON * magnitude);
  }
  t.log(`image: off by ${deviation.toExponential(1)} of ${tolerance.toExponential(1)}`);
  t.true(deviation <= tolerance);
});

test('two products that differ in one entry, by swapped columns, or by a sign, have different probes', (t) => {
  const d = 64;
  const identity = Float32Array.from({ length: d * d }, (_, k) => (k % (d + 1) === 0 ? 1 : 0));
  const { vector } = freivaldsProbe(identity, d);
  for (let j = 0; j < d; j++) t.not(vector[j], 0);
  // Columns of equal sign hide a swap: about half of all pairs, never all of them.
  const swapsSeen = vector.filter((r, j) => j > 0 && r !== vector[j - 1]).length;
  t.log(`${swapsSeen} of ${d - 1} swaps of neighbours show in one probe`);
  t.true(swapsSeen >= d / 4);
});
