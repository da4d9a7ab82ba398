import test from 'ava';
import { CLUSTER_THRESHOLD, clustersOf, relativeGaps } from '../../src/tables/clusters.js';

test('a run of near-equal eigenvalues is one cluster, however long it is in all', (t) => {
  const step = 1 + CLUSTER_THRESHOLD / 2;
  const lambda = Float64Array.of(1, step, step ** 2, step ** 3, 2, 2 * (1 + 2 * CLUSTER_THRESHOLD), 7, 7);
  t.deepEqual([...clustersOf(lambda)], [0, 0, 0, 0, 1, 2, 3, 3]);
});

test('a relative gap is that to the nearer neighbour', (t) => {
  t.deepEqual([...relativeGaps(Float64Array.of(1, 2, 8, 10))], [1, 0.5, 0.25, 0.2]);
  t.deepEqual([...relativeGaps(Float64Array.of(3))], [Number.NaN]);
});
