import {
  double,
  int32,
  nullableBoolean,
  nullableDouble,
  nullableInt32,
  nullableText,
  sorted,
  type TableColumn,
} from '../formats/parquet-table.js';
import type { MergedTables } from './merged-tables.js';
import type { Vocabulary } from './vocabulary.js';

/** What is known of the tokens' rows beside what the projections tell. */
export interface RowFacts {
  /** int32 [V], as `duplicateGroups` gives them. */
  duplicates: Int32Array;
  /** Bias of each token's logit, [V]; null where there is none. */
  logitBias: Float64Array | null;
  /** Weight of each row, [V]; null where all are alike, and there is no column of them. */
  weights?: Float64Array | null;
}

/** Columns of tokens.parquet: a row a token, ascending. */
export function tokenTable(
  { rows, tokens, settings: { places } }: MergedTables,
  vocabulary: Vocabulary,
  { duplicates, logitBias, weights = null }: RowFacts,
): TableColumn[] {
  const { norm, causalNorm, directions, directionValues } = tokens;
  const columns = [
    sorted(
      'token_id',
      Int32Array.from({ length: rows }, (_, id) => id),
    ),
    nullableText('text', vocabulary.texts),
    nullableBoolean('is_orphan', vocabulary.isOrphan),
    nullableBoolean('is_special', vocabulary.isSpecial),
    nullableBoolean('is_byte', vocabulary.isByte),
    nullableInt32('duplicate_group', duplicates),
    double('norm', norm),
    double('causal_norm', causalNorm),
    double('centred_norm', tokens.centredNorm),
    double('centred_causal_norm', tokens.causalCentredNorm),
    nullableDouble('distortion', distortions(tokens)),
    nullableDouble('centroid_cosine', tokens.centroidCosine),
    nullableDouble('causal_centroid_cosine', tokens.causalCentroidCosine),
    nullableDouble('participation', tokens.participation),
    nullableDouble('logit_bias', logitBias ?? new Float64Array(rows).fill(Number.NaN)),
    ...(weights === null ? [] : [double('weight', weights)]),
  ];
  for (let place = 0; place < places; place++) {
    const name = `direction_${place + 1}`;
    columns.push(
      int32(name, columnOf(places, place, directions, new Int32Array(rows))),
      double(`${name}_z`, columnOf(places, place, directionValues, new Float64Array(rows))),
    );
  }
  return [...columns, double('norm_error', tokens.normError)];
}

/** Fills `column` with column `place` of values [rows, places]. */
function columnOf<Values extends Int32Array | Float64Array>(
  places: number,
  place: number,
  values: Values,
  column: Values,
): Values {
  for (let row = 0; row < column.length; row++) column[row] = values[row * places + place]!;
  return column;
}

/** Distortion causal_norm / norm of every token, NaN for a row of zeros. */
export function distortions({ norm, causalNorm }: MergedTables['tokens']): Float64Array {
  return causalNorm.map((causal, id) => causal / norm[id]!);
}
