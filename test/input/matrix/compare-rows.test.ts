import { join } from 'node:path';
import test from 'ava';
import type { RowSource } from '../../../src/input/checkpoint.js';
import { compareRows } from '../../../src/input/matrix/compare-rows.js';
import { scratchDirectory } from '../../helpers/fixtures.js';
import { storedRows } from '../../helpers/stored-rows.js';

/** A float32 matrix of zeros but for these elements. */
function matrixFile(directory: string, rows: number, columns: number, ones: readonly number[]): RowSource {
  const values = new Float32Array(rows * columns);
  for (const index of ones) values[index] = 1;
  return storedRows(join(directory, `${rows}-${ones.join('-')}`), values, rows);
}

test('small matrices are compared as a whole', (t) => {
  const directory = scratchDirectory(t);
  const of = (...ones: number[]) => matrixFile(directory, 1000, 16, ones);
  t.deepEqual(compareRows(of(), of()), { equal: true, compared: 1000 });
  for (const index of [0, 7777, 15_999]) {
    t.deepEqual(compareRows(of(), of(index)), { equal: false, compared: 1000 });
  }
});

test('of large matrices a sample is compared, the first and the last row in it', (t) => {
  const directory = scratchDirectory(t);
  const [rows, columns] = [5000, 1024];
  const of = (...ones: number[]) => matrixFile(directory, rows, columns, ones);
  t.deepEqual(compareRows(of(), of()), { equal: true, compared: 256 });
  for (const index of [0, rows * columns - 1]) {
    t.deepEqual(compareRows(of(), of(index)), { equal: false, compared: 256 });
  }
});

test('matrices of different shapes are no matter of comparison', (t) => {
  const directory = scratchDirectory(t);
  t.throws(() => compareRows(matrixFile(directory, 2, 2, []), matrixFile(directory, 3, 2, [])), {
    instanceOf: RangeError,
  });
});
