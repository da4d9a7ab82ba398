import test from 'ava';
import { Report } from '../../../src/report/client/report.js';
import { rangeOf, scatterPoints } from '../../../src/report/client/scatter-points.js';
import type { ReportHead } from '../../../src/report/contents.js';
import { LISTS } from '../../../src/tables/extremes.js';

const ROWS = 5000;

/** A large report: of 5,000 tokens the even ones have 0 and 1 as their directions, the others 2 and 1. */
function largeReport(): Report {
  const ids = new Int32Array(3 * LISTS).fill(-1);
  const values = new Float32Array(3 * LISTS);
  // By the causal cosine, + side: token 9 along eigenvector 0, token 4 along eigenvector 1.
  [ids[4], values[4]] = [9, 0.5];
  [ids[LISTS + 4], values[LISTS + 4]] = [4, 0.25];
  const all = <Made>(make: (id: number) => Made) => Array.from({ length: ROWS }, (_, id) => make(id));
  const head = { rows: ROWS, hidden: 3, places: { shown: 1, stored: 1 }, directionStep: 0.5 };
  return new Report({ ...head, directions: { shown: 2, stored: 8 } } as unknown as ReportHead, {
    'extreme.token_id': ids,
    'extreme.value': values,
    'extreme.angle': new Uint16Array(3 * LISTS),
    'eigenvector.eigenvalue': Float32Array.of(1, 1, 1),
    'token.causal_norm': new Float32Array(ROWS).fill(8),
    'token.text': new Uint8Array(0),
    'token.text_bytes': new Int32Array(ROWS).fill(-1),
    'token.direction_1': Uint16Array.from(all((id) => (id % 2) * 2)),
    'token.direction_1_z': new Int16Array(ROWS).fill(6),
    'token.direction_2': new Uint16Array(ROWS).fill(1),
    'token.direction_2_z': new Int16Array(ROWS).fill(-2),
  });
}

test('a scatter has the extreme tokens, a sample of those known along both, and the chosen one', (t) => {
  const choose = scatterPoints(largeReport());
  const choice = { index: 0, token: 7, measure: 'causal_cosine', x: 0, y: 1, near: null } as const;
  const { points, candidates } = choose(choice);
  t.is(candidates, ROWS / 2 - 1, 'even ones but the extreme one');
  t.is(points.length, 2 + 2000 + 1);
  t.deepEqual(points[0], { token: 9, x: { z: 4 }, y: { z: -1 }, kind: 'extreme' });
  t.deepEqual(points[1], { token: 4, x: { z: 3 }, y: { z: 2 }, kind: 'extreme' });
  t.deepEqual(points.at(-1), { token: 7, x: { atMost: 1.5 }, y: { z: -1 }, kind: 'chosen' });
  const others = points.slice(2, -1);
  t.true(others.every(({ token, kind }) => token % 2 === 0 && token !== 4 && kind === 'other'));
  t.is(new Set(others.map(({ token }) => token)).size, 2000);
  const again = scatterPoints(largeReport())(choice);
  t.deepEqual(again.points, points, 'always the same sample');
  // Along neither z of token 7 is known: it is not shown.
  t.is(choose({ ...choice, x: 0, y: 0 }).points.filter(({ kind }) => kind === 'chosen').length, 0);
});

test('an axis shows all that a coordinate may be, and 0', (t) => {
  t.deepEqual(rangeOf([{ z: 2 }, { atMost: 1 }, { z: 19 }]), [-2, 20]);
  t.deepEqual(rangeOf([]), [-1, 1]);
});
