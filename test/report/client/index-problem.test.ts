import test from 'ava';
import { indexProblem } from '../../../src/report/client/index-problem.js';

test('whole numbers below the end are indices, and nothing typed is no problem yet', (t) => {
  for (const typed of ['0', '99', ' 7 ', '007', '']) t.is(indexProblem(typed, 100), null, typed);
});

test('what lies outside, and what is no whole number, is told apart', (t) => {
  for (const typed of ['100', '-1', '+100'])
    t.regex(indexProblem(typed, 100)!, /^There is no eigenvector/, typed);
  for (const typed of ['1.5', 'two', '1e1', '1,000'])
    t.regex(indexProblem(typed, 100)!, /is no index. Type a whole number from 0 to 99\.$/, typed);
});
