import test from 'ava';
import { parseRidge } from '../../src/plan/ridge.js';
import { parseWeighting, weightingKinds, weightingText } from '../../src/plan/weighting.js';

test('a weighting is a kind, with a path where it takes a file', (t) => {
  t.is(parseWeighting('uniform'), null);
  for (const text of ['unique', 'tokenizer', 'bias', 'counts=a=b.csv', 'softmax=dir/h.npy'])
    t.is(weightingText(parseWeighting(text)!), text);
  t.deepEqual(parseWeighting('counts=a=b.csv'), { kind: 'counts', path: 'a=b.csv' });
  for (const text of [
    '',
    'counts',
    'counts=',
    'softmax',
    'unique=x',
    'uniform=',
    'Unique',
    ' unique',
    'constructor',
  ])
    t.is(parseWeighting(text), undefined, text);
  t.is(weightingKinds.length, 6);
});

test('a ridge is a number, or a share of the mean variance', (t) => {
  t.deepEqual(parseRidge(0), { absolute: 0 });
  t.deepEqual(parseRidge('1e-6'), { absolute: 1e-6 });
  t.deepEqual(parseRidge('relative=1e-3'), { relative: 1e-3 });
  for (const text of [
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '',
    ' ',
    'x',
    '-1',
    'relative',
    'relative=',
    'relative=0',
  ])
    t.is(parseRidge(text), undefined, String(text));
  t.is(parseRidge('relative=-1'), undefined);
});
