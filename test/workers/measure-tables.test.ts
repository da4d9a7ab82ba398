import test from 'ava';
import { LISTS } from '../../src/tables/extremes.js';
import { arraysOf, tableSettings } from '../../src/tables/part.js';
import { memory } from '../../workers/context.js';
import { measureTables, tableSizes } from '../../workers/measure-tables.js';
import { randomFloat32, randomFloat64 } from '../helpers/random.js';
import { range } from '../helpers/sums.js';

const d = 11;
const lambda = randomFloat64(d, 1).map((x) => 1.5 + x);
const settings = tableSettings(lambda, randomFloat64(d, 2), {
  rows: 100_000,
  top: 20,
  isWeighted: false,
  areOfRows: false,
});

/** Measures `count` random rows from row `first` on; every fiftieth is zeros, and ties are many. */
function measure(first: number, count: number, seed: number) {
  const rows = { first, count };
  const perRow = { gammaSquares: count * 8, squares: count * 8, causal: count * 8 };
  const sizes = { ...perRow, lambda: d * 8, block: d * count * 4, ...tableSizes(rows, d, settings) };
  const regions = memory.allot(sizes);
  const values = randomFloat32(d * count, seed).map((x, k) =>
    (k % count) % 50 === 9 ? 0 : Math.round(x * 1000),
  );
  const columns = range(d).map((j) => values.subarray(j * count, (j + 1) * count));
  const square = (weight: (j: number) => number) => (_: unknown, i: number) =>
    columns.reduce((sum, column, j) => sum + weight(j) * column[i]! ** 2, 0);
  regions.block.float32.set(values);
  regions.lambda.float64.set(lambda);
  regions.gammaSquares.float64.set(
    Float64Array.from(
      { length: count },
      square(() => 1),
    ),
  );
  regions.squares.float64.set(regions.gammaSquares.float64);
  regions.causal.float64.set(
    Float64Array.from(
      { length: count },
      square((j) => lambda[j]!),
    ),
  );
  const partition = {
    offset: regions.block.offset,
    columnStride: count * 4,
    minima: Float64Array.from(columns, (column) => Math.min(...column)),
    maxima: Float64Array.from(columns, (column) => Math.max(...column)),
  };
  return { columns, part: measureTables(rows, partition, settings, regions) };
}

for (const count of [1, 3, 19, 65, 1279, 1281, 5000]) {
  test(`the part of a partition of ${count} rows is made of its rows alone, whatever was measured before`, (t) => {
    const bytes = () =>
      arraysOf(measure(700, count, 3).part).map(({ buffer }) => Buffer.from(buffer as ArrayBuffer));
    new Uint8Array(memory.memory.buffer).fill(0);
    const expected = bytes();
    t.deepEqual(bytes(), expected);
    for (const [first, other] of [
      [0, 6000],
      [40, 2],
    ] as const) {
      measure(first, other, 4);
      t.deepEqual(bytes(), expected);
    }
    for (const byte of [0x7f, 0xff]) {
      new Uint8Array(memory.memory.buffer).fill(byte);
      t.deepEqual(bytes(), expected);
    }
  });

  test(`the part of a partition of ${count} rows names its best tokens, with no more than settings say`, (t) => {
    const { columns, part } = measure(700, count, 5);
    const { top } = settings;
    for (const j of range(d)) {
      for (const [list, sign] of [1, -1].entries()) {
        const key = (i: number) => sign * columns[j]![i]!;
        const best = range(count).sort((a, b) => key(b) - key(a) || a - b);
        const start = (j * LISTS + list) * top;
        const expected = range(top).map((place) => (place < count ? 700 + best[place]! : -1));
        t.deepEqual([...part.extremes.tokens.slice(start, start + top)], expected);
      }
    }
  });
}
