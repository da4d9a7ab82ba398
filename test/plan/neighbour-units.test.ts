import test from 'ava';
import { keptPlaces, neighbourUnits, shortRowsFirst } from '../../src/plan/neighbour-units.js';
import { queryBlocks } from '../../src/plan/query-blocks.js';
import type { RowRange } from '../../src/plan/row-ranges.js';

/** Whether ranges follow each other from row `first` on, to so many rows. */
function follow(ranges: readonly RowRange[], first: number, count: number): boolean {
  const end = ranges.reduce((at, range) => (range.first === at ? at + range.count : Number.NaN), first);
  return end === first + count && ranges.every((range) => range.count > 0);
}

test('blocks hold every query once, in sizes that depend on their number and d', (t) => {
  for (const [count, d] of [
    [1, 8],
    [511, 8],
    [1025, 2560],
    [40_000, 2560],
    [40_001, 16_384],
  ] as const) {
    const blocks = queryBlocks(count, d);
    t.true(follow(blocks, 0, count));
    t.true(blocks.every((block) => block.count <= 4096));
  }
});

test('each two groups are one unit, and each group is one, whose blocks hold its rows once', (t) => {
  for (const [rows, d, size] of [
    [1, 8, undefined],
    [512, 8, undefined],
    [513, 8, undefined],
    [5000, 8, undefined],
    [151_936, 2560, undefined],
    [151_936, 16_384, undefined],
    [1000, 8, 100],
    [1000, 8, 333],
  ] as const) {
    const units = neighbourUnits({ rows, d, k: 20, measures: 1 }, size);
    const groups = units.flatMap(({ group, other }) => (other === null ? [group] : []));
    t.true(follow(groups, 0, rows));
    const pairs = groups.flatMap((group, g) => groups.slice(g + 1).map((other) => ({ group, other })));
    t.deepEqual(
      units.map(({ group, other }) => ({ group, other })),
      [...pairs, ...groups.map((group) => ({ group, other: null }))],
    );
    t.true(units.every(({ group, blocks }) => follow(blocks, 0, group.count)));
    t.is(
      units.reduce((sum, { share }) => sum + share, 0),
      rows,
    );
  }
});

test('what units leave is bounded, a group has a list that a thread can hold, and there are units for several threads', (t) => {
  for (const [rows, k, measures, expected] of [
    [151_936, 20, 1, 8],
    [341_479, 20, 1, 5],
    [151_936, 20, 4, 4],
    [151_936, 1000, 4, 5],
    [2000, 20, 1, 4],
  ] as const) {
    const units = neighbourUnits({ rows, d: 2560, k, measures });
    const groups = units.filter(({ other }) => other === null);
    t.is(groups.length, expected, `${rows} rows, k = ${k}`);
    const bytesOfList = keptPlaces(k) * 8 * measures;
    const left = units.reduce((sum, { group, other }) => sum + group.count + (other ?? group).count, 0);
    t.true(left * bytesOfList <= Math.max(5.1e8, 6 * rows * bytesOfList));
    t.true(groups.every(({ group }) => group.count * bytesOfList <= 2 ** 30));
  }
});

test('units of short rows come first, single groups last, and no unit is left out', (t) => {
  const units = neighbourUnits({ rows: 400, d: 8, k: 20, measures: 1 }, 100);
  const lengths = new Map([
    [0, 5],
    [100, 2],
    [200, 9],
    [300, 2],
  ]);
  const namesOf = (numbers: readonly number[]) =>
    numbers.map((number) => {
      const { group, other } = units[number]!;
      return other === null ? `${group.first}` : `${group.first}-${other.first}`;
    });
  const all = [...units.keys()];
  const order = shortRowsFirst(units, all, ({ first }) => lengths.get(first)!);
  t.deepEqual(namesOf(order), [
    ...['0-100', '0-300', '100-200', '100-300', '200-300', '0-200'],
    ...['0', '100', '200', '300'],
  ]);
  t.deepEqual(
    order.toSorted((a, b) => a - b),
    all,
  );
  t.deepEqual(namesOf(shortRowsFirst(units, [9, 1, 0], ({ first }) => -first)), ['0-200', '0-100', '300']);
});
