import test from 'ava';
import { likeEntries, mostRepeated } from '../../src/checks/like-entries.js';
import { LikeTerms } from '../../src/checks/like-terms.js';
import { randomNumbers, randomOrthogonal } from '../helpers/random.js';

const D = 40;

/** A matrix whose first column is of few sizes, and whose others are of none. */
function matrixOf(first: (k: number) => number): Float32Array {
  const { normal } = randomNumbers(4);
  return Float32Array.from({ length: D * D }, (_, at) =>
    at % D === 0 ? first(Math.floor(at / D)) : normal(),
  );
}

/** Sorted sizes of the groups of column 0; null where it has none. */
function sizesOf(first: (k: number) => number): number[] | null {
  const entries = likeEntries(matrixOf(first), D)[0]!;
  if (entries === null) return null;
  return Array.from(
    { length: entries.count },
    (_, g) => entries.groups.filter((group) => group === g + 1).length,
  ).sort((a, b) => a - b);
}

test('entries of one size are grouped, whatever their signs and their last bits', (t) => {
  t.deepEqual(
    sizesOf(() => 1 / Math.sqrt(D)),
    [D],
  );
  t.deepEqual(
    sizesOf((k) => (k % 2 === 0 ? 0.3 : -0.3)),
    [D],
  );
  t.deepEqual(
    sizesOf((k) => 0.3 * (1 + (k % 7) * 2 ** -23)),
    [D],
  );
  // Just below and above a power of two.
  t.deepEqual(
    sizesOf((k) => 0.25 * (1 + ((k % 2) - 0.5) * 2 ** -22)),
    [D],
  );
  t.deepEqual(
    sizesOf((k) => [0.1, 0.2, 0.2, 0.2][k % 4]!),
    [D / 4, (3 * D) / 4],
  );
  t.deepEqual(
    sizesOf((k) => (k < 10 ? 0.1 : 0.2 + k / 100)),
    [10],
  );
});

test('entries that differ by more, and zeros, are not', (t) => {
  t.is(
    sizesOf((k) => 0.3 * (1 + k * 2 ** -16)),
    null,
  );
  t.is(
    sizesOf(() => 0),
    null,
  );
  t.is(
    sizesOf((k) => (k < 3 ? 0.1 : 0.2 + k / 100)),
    null,
    'hardly any',
  );
});

test('an eigenvector of random entries has none, one of equal entries as many as it has', (t) => {
  t.is(mostRepeated(Float32Array.from(randomOrthogonal(D, 3)), D), 1);
  t.is(
    mostRepeated(
      matrixOf(() => 0.1),
      D,
    ),
    D,
  );
  t.is(
    mostRepeated(
      matrixOf((k) => (k % 2 === 0 ? 0.1 : 0.2)),
      D,
    ),
    D / 2,
  );
});

test('errors of like terms add up, and others by their squares', (t) => {
  const { own } = new LikeTerms({ groups: Uint32Array.of(1, 1, 2, 1, 0, 2), count: 2 });
  for (let k = 0; k < 6; k++) own.add(k, 4);
  t.is(own.beyond(), 6 ** 2 - 3 * 4 + (4 ** 2 - 2 * 4));
  t.is(own.squares(), 6 ** 4 + 4 ** 4);
});
