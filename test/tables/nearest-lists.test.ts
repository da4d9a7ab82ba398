import test from 'ava';
import { uniform } from '../../src/linalg/uniform.js';
import { NearestLists } from '../../src/tables/nearest-lists.js';

test('lists hold the nearest of all rows, ties by the lower number, also where they are merged from parts', (t) => {
  const [k, rows] = [7, 60];
  const random = uniform(3, 0);
  // Few values, so that many tie.
  const values = Array.from({ length: rows }, () => Math.floor(random() * 9));
  const order = [...values.keys()].sort((i, j) => values[i]! - values[j]! || i - j);
  const [whole, merged] = [new NearestLists(2, k), new NearestLists(2, k)];
  const parts = Array.from({ length: 4 }, () => new NearestLists(2, k));
  for (let id = rows - 1; id >= 0; id--) {
    whole.offer(1, id, values[id]!);
    parts[id % 4]!.offer(1, id, values[id]!);
  }
  merged.offer(0, 5, 1);
  for (const part of parts) merged.merge(part.lists);
  for (const { lists } of [whole, merged]) {
    t.deepEqual([...lists.ids.subarray(k)], order.slice(0, k));
    t.deepEqual(
      [...lists.values.subarray(k)],
      order.slice(0, k).map((id) => values[id]!),
    );
  }
  t.deepEqual([...merged.lists.ids.subarray(0, 2)], [5, -1]);
  t.is(merged.lastValue(0), null);
  t.is(merged.lastValue(1), values[order[k - 1]!]!);
});
