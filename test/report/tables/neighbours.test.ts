import test from 'ava';
import { InputError } from '../../../src/errors.js';
import { ofLogStep } from '../../../src/report/log-steps.js';
import { unpackArrays } from '../../../src/report/packed-arrays.js';
import { shownNeighbours } from '../../../src/report/tables/neighbours.js';
import { seededRandom } from '../../helpers/random.js';

const [ROWS, K] = [500, 4];

const random = seededRandom(3);
/** Neighbours of 500 tokens; one has none, one has two. */
const lists = Array.from({ length: ROWS }, (_, id) => {
  if (id === 7) return { ids: null, values: null };
  const places = Array.from({ length: id === 8 ? 2 : K }, (_, place) => place);
  return {
    ids: places.map(() => Math.floor(Math.abs(random()) * ROWS)),
    values: places.map((place) => (place === 0 && id === 9 ? 0 : 10 ** (3 * random() - 2))),
  };
});
const all = [{ measure: 'distance', lists }] as const;

test('all neighbours are kept where there is room, their values to a tenth of a percent and 0 exactly', async (t) => {
  const { parts, neighbours } = await shownNeighbours(all, ROWS, 1e6);
  t.deepEqual(neighbours, { measures: ['distance'], shown: K, stored: K });
  for (let place = 1; place <= K; place++) {
    const { entries, bytes } = parts[place - 1]!;
    const arrays = unpackArrays(entries, bytes);
    for (const [id, { ids, values }] of lists.entries()) {
      t.is(arrays[`neighbour.distance_${place}`]![id], ids?.[place - 1] ?? -1);
      const value = values?.[place - 1] ?? 0;
      const kept = ofLogStep(arrays[`neighbour.distance_${place}_value`]![id]!);
      t.true(Math.abs(kept - value) <= 0.001 * value, `${kept} is not ${value}`);
    }
  }
});

test('as many neighbours are kept as fit, or none', async (t) => {
  const shown = async (room: number) => (await shownNeighbours(all, ROWS, room)).neighbours!.shown;
  t.is(await shown(-1), 0);
  // 500 tokens take 1 to 2 kB a place.
  const some = await shown(4500);
  t.true(some > 0 && some < K, String(some));
  t.deepEqual(await shownNeighbours([], ROWS, 1e6), { parts: [], neighbours: null });
});

test('lists of another shape are refused', async (t) => {
  const refused = (wrong: readonly { ids: number[] | null; values: number[] | null }[]) =>
    t.throwsAsync(shownNeighbours([{ measure: 'cosine', lists: wrong }], 2, 1e6), { instanceOf: InputError });
  const good = { ids: [1], values: [0.5] };
  for (const wrong of [
    { ids: [2], values: [0.5] },
    { ids: [-1], values: [0.5] },
    { ids: [0.5], values: [0.5] },
    { ids: [1], values: [] },
    { ids: null, values: [1] },
  ])
    await refused([good, wrong]);
  await refused([good]);
});
