import test from 'ava';
import { Extremes, LISTS } from '../../src/tables/extremes.js';
import { seededRandom } from '../helpers/random.js';

const [d, top, parts, rows] = [3, 4, 7, 11];

/** Keys with many ties. */
const random = seededRandom(3);
const keys = Array.from({ length: parts * rows }, () =>
  Array.from({ length: d * LISTS }, () => Math.round(random() * 5)),
);

/** The best tokens of each list among those given. */
function best(tokens: number[]) {
  const lists = { keys: new Float64Array(d * LISTS * top), tokens: new Int32Array(d * LISTS * top).fill(-1) };
  for (let list = 0; list < d * LISTS; list++) {
    const sorted = tokens.toSorted((a, b) => keys[b]![list]! - keys[a]![list]! || a - b);
    for (const [place, token] of sorted.slice(0, top).entries()) {
      lists.keys[list * top + place] = keys[token]![list]!;
      lists.tokens[list * top + place] = token;
    }
  }
  return lists;
}

const all = Array.from({ length: parts * rows }, (_, token) => token);
const partOf = (part: number) => best(all.slice(part * rows, (part + 1) * rows));

test('the best of the parts are the best of all, in whatever order they come', (t) => {
  for (const order of [
    [0, 1, 2, 3, 4, 5, 6],
    [6, 5, 4, 3, 2, 1, 0],
    [3, 0, 6, 1, 5, 2, 4],
  ]) {
    const extremes = new Extremes(d, top);
    for (const part of order) extremes.add(partOf(part));
    t.deepEqual(extremes.merged, best(all));
  }
});

test('a list says nothing of places that it has not filled', (t) => {
  const extremes = new Extremes(d, top);
  extremes.add(best([5, 2]));
  t.is(extremes.at(0, 0, 2), null);
});

test("a '-' list has negated keys", (t) => {
  const extremes = new Extremes(d, top);
  extremes.add(best(all));
  const [plus, minus] = [extremes.at(1, 2, 0)!, extremes.at(1, 3, 0)!];
  t.is(plus.value, keys[plus.token]![LISTS + 2]!);
  t.is(minus.value, -keys[minus.token]![LISTS + 3]!);
});
