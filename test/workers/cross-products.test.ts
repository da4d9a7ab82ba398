import path from 'node:path';
import test from 'ava';
import { crossProducts } from '../../workers/cross-products.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { randomFloat32, randomFloat64 } from '../helpers/random.js';
import { storedRows } from '../helpers/stored-rows.js';

// Around the rows that are summed up at a time, and the rows of a tile.
for (const [rows, d, e] of [
  [3, 5, 4],
  [503, 64, 32],
  [505, 65, 64],
  [1009, 20, 130],
  [40, 640, 9],
  [530, 705, 33],
] as const) {
  test.serial(`products of ${rows} x ${d} and ${e} are those of the definition`, async (t) => {
    const [a, b] = [randomFloat32(rows * d, 1), randomFloat32(rows * e, 2)];
    const [s, r] = [randomFloat64(d, 3), randomFloat64(e, 4)];
    const directory = scratchDirectory(t);
    const source = (name: string, values: Float32Array) =>
      storedRows(path.join(directory, name), values, rows);
    // All rows are picked, in another order.
    const ids = Int32Array.from({ length: rows }, (_, row) => rows - 1 - row);
    const probe = randomFloat64(e, 5);
    const { products, left, right, probed } = await crossProducts({
      rows: { first: 0, count: rows },
      left: { source: source('a', a), ids },
      right: { source: source('b', b), ids },
      shifts: { left: s, right: r },
      probe,
      backend: { backend: 'portable' },
    });
    let largest = 0;
    for (let i = 0; i < d; i += 3) {
      for (let j = 0; j < e; j += 2) {
        let sum = 0;
        for (let row = 0; row < rows; row++) sum += (a[row * d + i]! - s[i]!) * (b[row * e + j]! - r[j]!);
        largest = Math.max(largest, Math.abs(sum - products[i * e + j]!));
      }
    }
    // Eight standard deviations: partial sums of up to k round by a standard deviation of 2^-53 k / sqrt(3), added up over k.
    const tolerance = (8 / 3) * 2 ** -53 * rows ** 1.5;
    t.log(`largest deviation ${largest.toExponential(2)} of ${tolerance.toExponential(2)}`);
    t.true(largest <= tolerance);
    for (const [what, found, values, shift] of [
      ['left', left, a, s],
      ['right', right, b, r],
    ] as const) {
      const n = shift.length;
      const sums = shift.map((value, j) => {
        let sum = 0;
        for (let row = 0; row < rows; row++) sum += values[row * n + j]! - value;
        return sum;
      });
      const squares = values.reduce((sum, value, at) => sum + (value - shift[at % n]!) ** 2, 0);
      t.true(
        found.sums.every((sum, j) => Math.abs(sum - sums[j]!) <= tolerance),
        what,
      );
      t.true(Math.abs(found.squares - squares) <= 1e-13 * squares, what);
    }
    // The products times the probe, by another way: of more terms.
    const size = Math.sqrt(probe.reduce((sum, value) => sum + value * value, 0));
    for (let i = 0; i < d; i++) {
      let sum = 0;
      for (let j = 0; j < e; j++) sum += products[i * e + j]! * probe[j]!;
      t.true(Math.abs(sum - probed[i]!) <= 4 * tolerance * size, `row ${i}`);
    }
  });
}
