import test from 'ava';
import { Report } from '../../../src/report/client/report.js';
import type { ReportHead } from '../../../src/report/contents.js';
import { LISTS } from '../../../src/tables/extremes.js';

/** A report of 3 tokens along 2 eigenvectors with one place a list and one direction a token. */
function smallReport(extra: Record<string, Int16Array> = {}): Report {
  const head = { rows: 3, hidden: 2, places: { shown: 1, stored: 1 }, directionStep: 0.5 };
  const ids = new Int32Array(2 * LISTS).fill(-1);
  const values = new Float32Array(2 * LISTS);
  // Eigenvector 1: token 0 by projection, + side, and token 1 by the causal cosine, - side.
  [ids[LISTS], values[LISTS]] = [0, 1.5];
  [ids[LISTS + 5], values[LISTS + 5]] = [1, -0.25];
  const arrays = {
    'extreme.token_id': ids,
    'extreme.value': values,
    'extreme.angle': new Uint16Array(2 * LISTS),
    'eigenvector.eigenvalue': Float32Array.of(1, 4),
    'token.norm': Float32Array.of(1, 1, 1),
    'token.causal_norm': Float32Array.of(2, 8, 2),
    'token.flags': new Uint8Array(3),
    'token.duplicate_group': Int32Array.of(-1, -1, -1),
    'token.text': new Uint8Array(0),
    'token.text_bytes': Int32Array.of(-1, -1, -1),
    'token.direction_1': Uint16Array.of(0, 0, 0),
    'token.direction_1_z': Int16Array.of(8, -10, 6),
    ...extra,
  };
  return new Report({ ...head, directions: { shown: 1, stored: 8 } } as unknown as ReportHead, arrays);
}

test('z of a token follows from the lists that hold it', (t) => {
  const report = smallReport();
  t.deepEqual(report.z(0, 1), { z: 3 }, 'sqrt(lambda) p');
  t.deepEqual(report.z(1, 1), { z: -2 }, 'causal norm times cosine');
  t.deepEqual(report.z(1, 0), { z: -5 }, 'its strongest direction');
});

test('z that no list holds is less than that of the strongest directions', (t) => {
  t.deepEqual(smallReport().z(2, 1), { atMost: 3.5 });
});

test('the page of a small run holds all z', (t) => {
  const report = smallReport({ 'token.z': Int16Array.of(1, 2, 3, 4, 5, 6) });
  t.deepEqual(report.z(2, 1), { z: 3 });
  t.deepEqual(report.z(0, 0), { z: 0.5 });
});
