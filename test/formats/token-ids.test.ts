import test from 'ava';
import { InputError } from '../../src/errors.js';
import { tokenIds } from '../../src/formats/token-ids.js';

test('token ids are the numbers of the rows', (t) => {
  t.deepEqual(tokenIds(7, 3), Int32Array.of(7, 8, 9));
  t.deepEqual(tokenIds(2 ** 31 - 1, 1), Int32Array.of(2 ** 31 - 1));
});

test('a row beyond the 32-bit integers is refused', (t) => {
  const error = t.throws(() => tokenIds(2 ** 31 - 1, 2), { instanceOf: InputError });
  t.regex(error.message, /\[2147483647, 2147483649\).*at most 2147483648 rows/);
});
