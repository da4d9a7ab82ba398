import {
  double,
  nullableBoolean,
  nullableDouble,
  nullableInt32,
  nullableText,
  repetitive,
  sorted,
  type TableColumn,
  text,
} from '../formats/parquet-table.js';
import type { TokenIndicators } from './indicators.js';
import { type ClassifiedTokens, classOf } from './token-classes.js';

/** What is known of all tokens, [V] each. */
export interface UndertrainedFacts {
  texts: ArrayLike<unknown>;
  classified: ClassifiedTokens;
  /** Whether each token is in the reference. */
  isReference: Uint8Array;
  /** As `rowKnots` gives them; null where they are not known. */
  knots: Int32Array | null;
  indicators: TokenIndicators;
  centredCausalNorm: Float64Array;
  /** Norms of the rows of the input embedding; null where it is the same matrix, or not known. */
  inputNorm: Float64Array | null;
}

/** Tokens in a list, at most. */
export const MOST_LISTED = 10_000;

/** Columns that a list can be sorted by; of each the smallest values are those of undertrained tokens. */
export const indicatorColumns = [
  'indicator_a',
  'indicator_b',
  'indicator_c',
  'indicator_d',
  'causal_distance',
  'centred_causal_norm',
  'input_norm',
] as const;
/** Column that a list can be sorted by. */
export type IndicatorColumn = (typeof indicatorColumns)[number];

/** Values of a column, [V]; null where there is none. */
export function indicatorValues(
  { indicators, centredCausalNorm, inputNorm }: UndertrainedFacts,
  column: IndicatorColumn,
): Float64Array | null {
  switch (column) {
    case 'indicator_a':
      return indicators.a;
    case 'indicator_b':
      return indicators.b;
    case 'indicator_c':
      return indicators.c;
    case 'indicator_d':
      return indicators.d;
    case 'causal_distance':
      return indicators.causalDistance;
    case 'centred_causal_norm':
      return centredCausalNorm;
    case 'input_norm':
      return inputNorm;
  }
}

/** Columns of the table of indicators: a row a token, ascending. */
export function undertrainedTable(facts: UndertrainedFacts): TableColumn[] {
  const { texts, classified, isReference, knots, indicators, centredCausalNorm, inputNorm } = facts;
  const rows = isReference.length;
  const all = <Value>(of: (id: number) => Value) => Array.from({ length: rows }, (_, id) => of(id));
  const unknown = () => new Float64Array(rows).fill(Number.NaN);
  return [
    sorted('token_id', Int32Array.from(all((id) => id))),
    nullableText(
      'text',
      all((id) => (texts[id] ?? null) as string | null),
    ),
    repetitive(
      text(
        'class',
        all((id) => classOf(classified, id)),
      ),
    ),
    nullableText(
      'encoded_as',
      all((id) => {
        const ids = classified.encodings.get(id);
        return ids === undefined ? null : JSON.stringify(ids);
      }),
    ),
    nullableBoolean(
      'is_reference',
      all((id) => isReference[id] === 1),
    ),
    nullableInt32('knot', knots ?? new Int32Array(rows).fill(-1)),
    nullableDouble('indicator_a', indicators.a),
    nullableDouble('indicator_b', indicators.b),
    nullableDouble('indicator_c', indicators.c),
    double('indicator_d', indicators.d),
    double('causal_distance', indicators.causalDistance),
    double('centred_causal_norm', centredCausalNorm),
    nullableDouble('input_norm', inputNorm ?? unknown()),
  ];
}
