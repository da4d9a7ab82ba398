import test from 'ava';
import { cumulativeShare } from '../../../src/report/client/cumulative-share.js';

test('shares are summed in the order given, and end with 1', (t) => {
  t.deepEqual([...cumulativeShare([1, 2, 5], [2, 1, 0])], [5 / 8, 7 / 8, 1]);
});
