import {
  double,
  int32,
  nullableDouble,
  nullableText,
  repetitive,
  sorted,
  type TableColumn,
  text,
} from '../formats/parquet-table.js';
import { degrees } from './degrees.js';
import { extremeLists, LISTS } from './extremes.js';
import type { MergedTables } from './merged-tables.js';
import type { Vocabulary } from './vocabulary.js';

/** Columns of extremes.parquet: a row an eigenvector, measure, side and place, sorted by them in that order. */
export function extremeTable({ extremes, tokens }: MergedTables, { texts }: Vocabulary): TableColumn[] {
  const { top, merged } = extremes;
  const used = merged.tokens.reduce((count, token) => count + (token < 0 ? 0 : 1), 0);
  const index = new Int32Array(used);
  const place = new Int32Array(used);
  const token = new Int32Array(used);
  const value = new Float64Array(used);
  const angle = new Float64Array(used);
  const measure: string[] = [];
  const side: string[] = [];
  let row = 0;
  for (let position = 0; position < merged.tokens.length; position++) {
    const id = merged.tokens[position]!;
    if (id < 0) continue;
    const list = extremeLists[Math.floor(position / top) % LISTS]!;
    index[row] = Math.floor(position / (top * LISTS));
    place[row] = (position % top) + 1;
    token[row] = id;
    value[row] = list.side === '+' ? merged.keys[position]! : -merged.keys[position]!;
    // A projection's angle is the Euclidean one, which a row of zeros has not.
    const cosine = list.measure === 'projection' ? value[row]! / tokens.norm[id]! : value[row]!;
    angle[row] = degrees(cosine);
    measure.push(list.measure);
    side.push(list.side);
    row++;
  }
  return [
    repetitive(sorted('index', index)),
    repetitive(text('side', side)),
    repetitive(text('measure', measure)),
    repetitive(int32('place', place)),
    int32('token_id', token),
    nullableText(
      'text',
      Array.from(token, (id) => texts[id]!),
    ),
    double('value', value),
    nullableDouble('angle', angle),
  ];
}
