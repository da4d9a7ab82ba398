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
import { extremeLists, LISTS } from './extremes.js';
import { powerOf, type VectorMeasure, type VectorPass, vectorMeasures } from './vector-geometry.js';
import type { VectorPart } from './vector-part.js';

/** Columns of vectors.parquet: a row a vector, in the order of the file that they come from. */
export function vectorTable(part: VectorPart, firstRow: number): TableColumn[] {
  const count = part.norm.length;
  const places = part.directions.length / count;
  const range = <Values extends Float64Array | Int32Array>(values: Values, place: number, target: Values) => {
    for (let i = 0; i < count; i++) target[i] = values[i * places + place]!;
    return target;
  };
  const columns = [
    sorted(
      'vector',
      Int32Array.from({ length: count }, (_, i) => firstRow + i),
    ),
    double('norm', part.norm),
    double('token_norm', part.tokenSquare.map(Math.sqrt)),
    double('hidden_norm', part.hiddenSquare.map(Math.sqrt)),
    double('dual_norm', part.dualSquare.map(Math.sqrt)),
    nullableDouble('logit_mean', part.passMeans.slice(0, count)),
    nullableDouble('logit_variance', part.passVariances.slice(0, count)),
    nullableDouble('dark_share', part.darkShare),
    nullableDouble('participation', part.participation),
  ];
  for (let place = 0; place < places; place++) {
    const name = `direction_${place + 1}`;
    columns.push(
      int32(name, range(part.directions, place, new Int32Array(count))),
      double(`${name}_coordinate`, range(part.directionCoordinates, place, new Float64Array(count))),
      nullableDouble(`${name}_share`, range(part.directionShares, place, new Float64Array(count))),
    );
  }
  return columns;
}

/** A token in a list of a vector. */
export interface RankedToken {
  token: number;
  /** Value of the measure. */
  value: number;
  /** Standard deviations from the mean, over the vocabulary, of the product of which the measure is made; NaN: not known. */
  zScore: number;
}

/** Lists of all vectors, and what their values are made of. */
export interface RankedVectors {
  part: VectorPart;
  passes: readonly VectorPass[];
  top: number;
  /** int32 [count, LISTS, top], -1 where a list has ended. */
  tokens: Int32Array;
  /** [count, LISTS, top]: quotients of scaled products, negated in the lists of the smallest. */
  keys: Float64Array;
  /** Norms of all tokens, [V]. */
  norms: { euclidean: Float64Array; causal: Float64Array };
}

/** Gives an entry of the lists as a token, by its position in them; null where its list has ended. */
export function rankedToken(ranked: RankedVectors, position: number): RankedToken | null {
  const { part, passes, top, tokens, keys, norms } = ranked;
  const token = tokens[position]!;
  if (token < 0) return null;
  const count = part.norm.length;
  const vector = Math.floor(position / (top * LISTS));
  const list = extremeLists[Math.floor(position / top) % LISTS]!;
  const measure = measureOf(position, top);
  const pass = passes.findIndex(({ measures }) => measures.includes(measure));
  const at = pass * count + vector;
  const square = part.passSquares[at]!;
  const key = (list.side === '+' ? keys[position]! : -keys[position]!) * powerOf(square);
  const product = key * divisorOf(measure, norms, token);
  const zScore = (product - part.passMeans[at]!) / Math.sqrt(part.passVariances[at]!);
  return { token, value: key / vectorNorm(ranked, measure, vector), zScore };
}

/** The measure of the list in which a position lies. */
export function measureOf(position: number, top: number): VectorMeasure {
  return vectorMeasures[Math.floor((Math.floor(position / top) % LISTS) / 2)]!;
}

function divisorOf(measure: VectorMeasure, norms: RankedVectors['norms'], token: number): number {
  if (measure === 'logit') return 1;
  return measure === 'cosine' ? norms.euclidean[token]! : norms.causal[token]!;
}

/** The norm of a vector by which a measure divides. */
function vectorNorm({ part, passes }: RankedVectors, measure: VectorMeasure, vector: number): number {
  if (measure === 'logit') return 1;
  if (measure === 'cosine') return part.norm[vector]!;
  const isHidden = passes.length === 1;
  return Math.sqrt(isHidden ? part.hiddenSquare[vector]! : part.tokenSquare[vector]!);
}

/**
 * Columns of tokens.parquet: a row a vector, measure, side and place, sorted by them in that order. A vector of zeros is
 * near no token.
 *
 * @param texts of all tokens, [V]
 */
export function rankedTokenTable(
  ranked: RankedVectors,
  texts: ArrayLike<unknown>,
  firstRow: number,
): TableColumn[] {
  const { part, top, tokens } = ranked;
  const isUsed = (position: number) =>
    tokens[position]! >= 0 && part.norm[Math.floor(position / (top * LISTS))]! > 0;
  let used = 0;
  for (let position = 0; position < tokens.length; position++) if (isUsed(position)) used++;
  const vector = new Int32Array(used);
  const place = new Int32Array(used);
  const token = new Int32Array(used);
  const value = new Float64Array(used);
  const zScore = new Float64Array(used);
  const measure = new Array<string>(used);
  const side = new Array<string>(used);
  const tokenTexts = new Array<string | null>(used);
  let row = 0;
  for (let position = 0; position < tokens.length; position++) {
    if (!isUsed(position)) continue;
    const found = rankedToken(ranked, position)!;
    vector[row] = firstRow + Math.floor(position / (top * LISTS));
    place[row] = (position % top) + 1;
    token[row] = found.token;
    value[row] = found.value;
    zScore[row] = found.zScore;
    measure[row] = measureOf(position, top);
    side[row] = extremeLists[Math.floor(position / top) % LISTS]!.side;
    tokenTexts[row] = (texts[found.token] ?? null) as string | null;
    row++;
  }
  return [
    repetitive(sorted('vector', vector)),
    repetitive(text('measure', measure)),
    repetitive(text('side', side)),
    repetitive(int32('place', place)),
    int32('token_id', token),
    nullableText('text', tokenTexts),
    double('value', value),
    nullableDouble('z_score', zScore),
  ];
}
