import test from 'ava';
import { projectionLanes } from '../../src/plan/projection-lanes.js';

const GB = 1e9;

test('every worker projects by itself where copies of the eigenvectors fit, or are small', (t) => {
  t.deepEqual(projectionLanes(2560, 16, 4 * GB), { lanes: 16, threads: 1 });
  t.deepEqual(projectionLanes(8191, 64, 1 * GB), { lanes: 64, threads: 1 });
  t.deepEqual(projectionLanes(16_384, 2, 24 * GB), { lanes: 2, threads: 1 });
  t.deepEqual(projectionLanes(16_384, 1, 4.3 * GB), { lanes: 1, threads: 1 });
});

test('workers share one copy of large eigenvectors where so many do not fit, none with too few columns', (t) => {
  t.deepEqual(projectionLanes(16_384, 16, 24 * GB), { lanes: 1, threads: 16 });
  t.deepEqual(projectionLanes(8192, 16, 17.1 * GB), { lanes: 1, threads: 16 });
  t.deepEqual(projectionLanes(8192, 16, 17.2 * GB), { lanes: 16, threads: 1 });
  t.deepEqual(projectionLanes(8192, 200, 24 * GB), { lanes: 1, threads: 64 });
});
