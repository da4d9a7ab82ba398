import test from 'ava';
import {
  type Candidates,
  joinedCandidates,
  MergedCandidates,
} from '../../src/tables/neighbour-candidates.js';
import { seededRandom } from '../helpers/random.js';

const PLACES = 5;

/** Candidates of some queries among the rows from `first` on, with scores of which some are equal. */
function candidatesAmong(queries: number, first: number, rows: number, random: () => number) {
  const scores = Array.from({ length: queries }, () =>
    Array.from({ length: rows }, () => Math.fround(Math.round(random() * 20) / 8)),
  );
  const found: Candidates = {
    ids: new Int32Array(queries * PLACES).fill(-1),
    scores: new Float32Array(queries * PLACES),
    thresholds: new Float32Array(queries).fill(Number.NEGATIVE_INFINITY),
  };
  for (const [q, of] of scores.entries()) {
    const best = [...of.entries()].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, PLACES);
    for (const [place, [row, score]] of best.entries()) {
      found.ids[q * PLACES + place] = first + row;
      found.scores[q * PLACES + place] = score;
    }
    if (best.length === PLACES) found.thresholds[q] = best.at(-1)![1];
  }
  return { scores, found };
}

test('the best of all parts are kept, in whatever order these come, and what is not has no better score than is said', (t) => {
  const random = seededRandom(4);
  const queries = 40;
  const parts = [3, 40, 2, 17].map((rows, part) => ({
    first: 100 * part,
    ...candidatesAmong(queries, 100 * part, rows, random),
  }));
  const merged = [parts, parts.toReversed()].map((ordered) => {
    const all = new MergedCandidates(queries, PLACES);
    for (const { found } of ordered) all.add(0, found);
    return all;
  });
  const [kept, other] = merged.map((all) => all.slice(0, queries)) as [Kept, Kept];
  t.deepEqual(kept.thresholds, other.thresholds);
  for (let q = 0; q < queries; q++) {
    const all = parts.flatMap(({ first, scores }) =>
      scores[q]!.map((score, row) => ({ id: first + row, score })),
    );
    const sorted = all.sort((a, b) => b.score - a.score || a.id - b.id);
    const best = sorted.slice(0, PLACES);
    for (const { ids } of [kept, other])
      t.deepEqual(
        [...ids.subarray(q * PLACES, (q + 1) * PLACES)].sort((a, b) => a - b),
        best.map(({ id }) => id).sort((a, b) => a - b),
      );
    const floor = best.at(-1)!.score;
    const threshold = kept.thresholds[q]!;
    t.true(threshold >= sorted[PLACES]!.score && threshold <= floor, `${threshold}`);
    t.is(merged[0]!.floors(q, 1)[0], floor);
  }
});

test('a query of which every row is known has passed over none', (t) => {
  const merged = new MergedCandidates(3, PLACES);
  const { found } = candidatesAmong(2, 10, 2, seededRandom(1));
  merged.add(1, found);
  const { ids, thresholds } = merged.slice(0, 3);
  t.deepEqual([...thresholds], new Array(3).fill(Number.NEGATIVE_INFINITY));
  t.deepEqual([...merged.floors(0, 3)], new Array(3).fill(Number.NEGATIVE_INFINITY));
  t.true(ids.subarray(0, PLACES).every((id) => id === -1));
  t.deepEqual([...ids.subarray(PLACES, 2 * PLACES)].toSorted(), [-1, -1, -1, 10, 11]);
});

test('what was found of blocks is joined in their order', (t) => {
  const random = seededRandom(2);
  const [a, b] = [candidatesAmong(2, 0, 9, random).found, candidatesAmong(3, 0, 9, random).found];
  const { ids, scores, thresholds } = joinedCandidates([a, b]);
  t.deepEqual([...ids], [...a.ids, ...b.ids]);
  t.deepEqual([...scores], [...a.scores, ...b.scores]);
  t.deepEqual([...thresholds], [...a.thresholds, ...b.thresholds]);
});

type Kept = ReturnType<MergedCandidates['slice']>;
