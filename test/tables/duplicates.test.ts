import test from 'ava';
import { duplicateGroups } from '../../src/tables/duplicates.js';

const rows = ['a', 'b', 'a', 'c', 'b', 'a', 'd'];
const read = (row: number) => Buffer.from(rows[row]!);

test('equal rows share the lowest of their numbers, others have none', (t) => {
  const hashes = BigUint64Array.from(rows, (text) => BigInt(text.charCodeAt(0)));
  t.deepEqual([...duplicateGroups(hashes, read)], [0, 1, 0, -1, 1, 0, -1]);
});

test('rows that only share a hash are not taken for equal', (t) => {
  t.deepEqual([...duplicateGroups(new BigUint64Array(rows.length), read)], [0, 1, 0, -1, 1, 0, -1]);
});

test('many rows that share a hash by design, and pairs of hashes too, are told apart', (t) => {
  const count = 5000;
  const other = (row: number) => Buffer.from(String(row === count - 1 ? 7 : row));
  const expected = Array.from({ length: count }, (_, row) => (row === 7 || row === count - 1 ? 7 : -1));
  t.deepEqual([...duplicateGroups(new BigUint64Array(count).fill(3n), other)], expected);
  const pairs = BigUint64Array.from({ length: count }, (_, row) => BigInt(row >> 1) << 50n);
  const same = (row: number) => Buffer.from(String(row >> 1));
  t.deepEqual(
    [...duplicateGroups(pairs, same)],
    Array.from({ length: count }, (_, row) => row - (row % 2)),
  );
});

test('only rows whose hash another row has as well are read', (t) => {
  const asked: number[] = [];
  const hashes = BigUint64Array.from([5n, 6n, 7n, 6n, 8n, 9n, 10n]);
  duplicateGroups(hashes, (row) => {
    asked.push(row);
    return read(row);
  });
  t.deepEqual(asked, [1, 3]);
});
