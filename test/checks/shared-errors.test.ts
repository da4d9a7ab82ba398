import test from 'ava';
import type { Measurements } from '../../src/checks/measurements.js';
import { sharedErrors } from '../../src/checks/shared-errors.js';
import { randomNumbers } from '../helpers/random.js';

/** What of the measurements tells what rows have in common. */
function shared(
  keys: number[],
  {
    compared,
    equal,
    opposite = equal,
    repeated = equal.map(() => 0),
  }: { compared: number; equal: number[]; opposite?: number[]; repeated?: number[] },
) {
  const measurements = {
    rowKeys: Float64Array.from(keys),
    weights: {
      differences: new Float64Array(equal.length),
      compared,
      equal: Float64Array.from(equal),
      opposite: Float64Array.from(opposite),
      repeated: Float64Array.from(repeated),
      bits: 0,
    },
  } as Measurements;
  return sharedErrors(measurements, null);
}

test('equal rows are counted by pairs, wherever they lie', (t) => {
  const none = { compared: 0, equal: [0] };
  t.like(shared([1, 2, 3, 4], none), { equalPairs: 0, largestGroup: 1 });
  t.like(shared([5, 1, 5, 2, 5, 1], none), { equalPairs: 6 + 2, largestGroup: 3 });
  t.like(shared([7, 7, 7, 7], none), { equalPairs: 12, largestGroup: 4 });
  t.like(shared([9], none), { equalPairs: 0, largestGroup: 1 });
  // What is no number is equal to nothing.
  t.like(shared([Number.NaN, 1, Number.NaN, 1], none), { equalPairs: 2, largestGroup: 2 });
});

test('the probability of equal weights is that of the pairs compared, and never taken for nothing', (t) => {
  t.is(shared([1, 2], { compared: 0, equal: [0] }).meanEqualWeights, 1 / 64);
  t.is(shared([1, 2], { compared: 1e6 - 64, equal: [999] }).meanEqualWeights, 1e-3);
  t.is(shared([1, 2], { compared: 1e6 - 64, equal: [0] }).meanEqualWeights, 1e-6);
});

test('each coordinate has its own, which few pairs draw towards that of all', (t) => {
  const [always, never] = shared([1, 2], { compared: 1000, equal: [1000, 0] }).equalWeights;
  t.true(always! > 0.99 && never! > 0 && never! < 0.01);
  const [few, none] = shared([1, 2], { compared: 2, equal: [2, 0] }).equalWeights;
  t.true(few! < 0.3 && none! < few!);
});

test('pairs of opposite weights make up for those of equal ones, unless there are clearly fewer', (t) => {
  const uneven = (equal: number, opposite: number) =>
    shared([1, 2], { compared: 1000, equal: [equal], opposite: [opposite] }).unevenWeights[0]!;
  t.is(uneven(0, 0), 0);
  t.is(uneven(100, 100), 0);
  t.is(uneven(100, 900), 0);
  t.is(uneven(3, 0), 0);
  t.is(uneven(115, 106), 0);
  t.is(uneven(900, 0), 1 - 60 / 900);
  t.is(uneven(625, 0), 1 - 50 / 625);
});

test('rows of zeros have no errors to share', (t) => {
  t.like(shared([0, 0, 0, 1, 2], { compared: 0, equal: [0] }), { equalPairs: 0, largestGroup: 1 });
});

test('rows that are nearly equal are counted by how near they are, and those that are near by chance are not', (t) => {
  const { normal } = randomNumbers(3);
  const none = { compared: 1e6, equal: [0] };
  const pairs = (keys: number[], least: number) =>
    shared(keys, none)
      .nearPairs.filter(({ exponent }) => exponent >= least)
      .reduce((sum, near) => sum + near.pairs, 0);
  const chance = Array.from({ length: 4000 }, normal);
  t.log(`by chance: ${pairs(chance, -60).toFixed(0)} of ${4000 ** 2}`);
  t.true(pairs(chance, -60) < 2e-3 * 4000 ** 2);
  // A tenth of the rows within about 1e-5 of each other.
  const knot = chance.map((key, i) => (i % 10 === 0 ? 0.3 + 1e-5 * key : key));
  t.log(`of a knot: ${pairs(knot, -60).toFixed(0)}`);
  t.true(Math.abs(pairs(knot, -60) / 400 ** 2 - 1) < 0.1);
  t.true(pairs(knot, -13) < 0.1 * 400 ** 2);
});

test('pairs of all coordinates show what those of none do by themselves', (t) => {
  const few = { compared: 50, equal: new Array(100).fill(1) };
  const uneven = shared([1, 2], { ...few, opposite: new Array(100).fill(0) });
  t.true(uneven.unevenWeights.every((share) => share === 0));
  t.is(uneven.unevenOfAll, 0.9);
  t.is(shared([1, 2], few).unevenOfAll, 0);
  t.is(shared([1, 2], { compared: 50, equal: [0] }).unevenOfAll, 1, 'of none nothing is known');
});

test('the probability of equal rows counts each row as equal to itself', (t) => {
  const none = { compared: 0, equal: [0] };
  t.is(shared([1, 2, 3, 4], none).equalRows, 1 / 4);
  t.is(shared([1, 1, 2, 2], none).equalRows, 1 / 2);
  t.is(shared([1, 1, 1, 1], none).equalRows, 1);
});

test('weights that repeat in their row are counted beyond those that do by chance', (t) => {
  const ofRows = (repeated: number[]) =>
    shared([1, 2], { compared: 1000, equal: repeated.map(() => 0), repeated }).repeatedWeights;
  t.deepEqual([...ofRows([0, 0, 0])], [0, 0, 0]);
  t.true(ofRows([1000, 1000, 1000]).every((share) => share > 0.999));
  const [often, never] = ofRows([1000, 0, 0]);
  t.true(often! > 0.99 && never! < 0.01);
});
