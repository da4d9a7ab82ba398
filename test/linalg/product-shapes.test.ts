import test from 'ava';
import { paddedLength, rowTiles, SUMMED_ROWS, summedStrips } from '../../src/linalg/product-shapes.js';

test('no padded length, and no strip that is summed, is whole pages of 4,096 bytes', (t) => {
  for (const columns of [1, 64, 504, 511, 512, 513, 1024, 1280, 2560, 4096, SUMMED_ROWS]) {
    const padded = paddedLength(columns);
    t.true(padded >= columns && padded <= columns + 8);
    t.not((padded * 8) % 4096, 0);
  }
  t.not((SUMMED_ROWS * 8) % 4096, 0);
});

test('strips follow each other, cover all rows, and are never longer than what is summed up at a time', (t) => {
  for (const rows of [1, 1031, 1032, 1033, 2064, 2065, 3000, 10_000]) {
    const strips = summedStrips(rows);
    t.true(strips.every(({ count }) => count > 0 && count <= SUMMED_ROWS));
    t.deepEqual(
      strips.map(({ first }) => first),
      strips.map((_, k) => strips.slice(0, k).reduce((sum, { count }) => sum + count, 0)),
    );
    t.is(
      strips.reduce((sum, { count }) => sum + count, 0),
      rows,
    );
  }
});

test('tiles follow each other, cover all rows, and are at least half a whole one where there are several', (t) => {
  for (const rows of [1, 2, 639, 640, 641, 1280, 1281, 2560, 8191, 16_384]) {
    const matrix = (columns: number) => ({ values: new Float64Array(rows * columns), rows, columns });
    const [left, product] = [matrix(2), matrix(3)];
    const tiles = rowTiles(left, product);
    let next = 0;
    for (const { a, out } of tiles) {
      t.deepEqual([a.rows, a.columns, a.values.length], [out.rows, 2, 2 * out.rows]);
      t.deepEqual([out.columns, out.values.length], [3, 3 * out.rows]);
      t.deepEqual([a.values.byteOffset, out.values.byteOffset], [16 * next, 24 * next]);
      t.true(a.values.buffer === left.values.buffer && out.values.buffer === product.values.buffer);
      t.true(a.rows <= 640 && (tiles.length === 1 || a.rows >= 320));
      next += a.rows;
    }
    t.is(next, rows);
  }
});
