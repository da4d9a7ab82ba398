import test from 'ava';
import { moved, zoomed } from '../../../src/report/client/plot-window.js';

test('a window moves as little as shows a point', (t) => {
  t.deepEqual(moved([10, 20], 15), [10, 20]);
  t.deepEqual(moved([10, 20], 8), [8, 18]);
  t.deepEqual(moved([10, 20], 23), [13, 23]);
});

test('a point stays where it is while a window is enlarged or reduced around it', (t) => {
  const all = [0, 100] as const;
  t.deepEqual(zoomed([0, 100], { factor: 1 / 2, around: 40, all }), [20, 70]);
  t.deepEqual(zoomed([20, 70], { factor: 2, around: 40, all }), all);
  t.deepEqual(zoomed([0, 10], { factor: 2, around: 10, all }), [0, 20]);
  t.deepEqual(zoomed([90, 100], { factor: 2, around: 90, all }), [80, 100]);
});

test('a window has an end, inwards and outwards', (t) => {
  const all = [0, 100] as const;
  t.deepEqual(zoomed([50, 50.01], { factor: 1 / 2, around: 50, all }), [50, 50.01]);
  t.deepEqual(zoomed([40, 50], { factor: Number.POSITIVE_INFINITY, around: 45, all }), all);
  t.deepEqual(zoomed([3, 3], { factor: 2, around: 3, all: [3, 3] }), [3, 3], 'a plot of one point');
});
