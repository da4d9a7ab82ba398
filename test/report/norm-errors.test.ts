import test from 'ava';
import { normErrorHistogram } from '../../src/report/norm-errors.js';

test('errors are counted by tenths of a power of ten, those of 0 apart', (t) => {
  const { edges, counts, zeros, maximum } = normErrorHistogram(Float64Array.of(0, 1e-7, 1.1e-7, 1.3e-7, 0));
  t.is(zeros, 2);
  t.is(maximum, 1.3e-7);
  t.deepEqual(counts, [2, 1]);
  t.deepEqual(edges, [-7, -6.9, -6.8]);
});

test('a run without any error has no bins', (t) => {
  t.deepEqual(normErrorHistogram(new Float64Array(3)), { edges: [], counts: [], zeros: 3, maximum: 0 });
});
