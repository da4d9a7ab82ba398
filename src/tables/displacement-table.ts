import {
  nullableDouble,
  nullableInt32,
  nullableText,
  repetitive,
  type TableColumn,
} from '../formats/parquet-table.js';
import type { AlignedTokens } from './align-vocabularies.js';
import type { DisplacementPart } from './displacement-part.js';
import type { NormPart } from './norm-part.js';

/** What displacement.parquet is made of; arrays are [n], of the pairs. */
export interface DisplacementFigures {
  tokens: AlignedTokens;
  /** Texts of A's tokens and of B's. */
  texts: { a: readonly (string | null)[]; b: readonly (string | null)[] };
  norms: { a: NormPart; b: NormPart };
  /** Null where the hidden sizes differ. */
  displacements: DisplacementPart | null;
  /** Share of the neighbours that a token of the sample keeps; null where none were looked for. */
  kept: { tokens: Int32Array; shares: Float64Array } | null;
}

/** Columns of displacement.parquet: a row for each token of A by id, then those of B alone. */
export function displacementTable(figures: DisplacementFigures): TableColumn[] {
  const { tokens, texts, norms, displacements: moved, kept } = figures;
  const rows = rowsOf(tokens);
  const column = (values: ArrayLike<number> | undefined, of = (place: number) => place) =>
    Float64Array.from(rows, ({ place }) =>
      values === undefined || place < 0 ? Number.NaN : values[of(place)]!,
    );
  const keptShares = new Map(
    kept === null ? [] : Array.from(kept.tokens, (place, k) => [place, kept.shares[k]!]),
  );
  const bands = moved === null ? 0 : moved.bandShares.length / moved.norm.length;
  return [
    nullableInt32(
      'token_id',
      Int32Array.from(rows, ({ a }) => a),
    ),
    nullableInt32(
      'token_id_b',
      Int32Array.from(rows, ({ b }) => b),
    ),
    nullableText(
      'text',
      rows.map(({ a, b }) => (a >= 0 ? texts.a[a] : texts.b[b]) ?? null),
    ),
    nullableDouble('norm_a', column(norms.a.norm)),
    nullableDouble('norm_b', column(norms.b.norm)),
    nullableDouble('causal_norm_a', column(norms.a.causalNorm)),
    nullableDouble('causal_norm_b', column(norms.b.causalNorm)),
    nullableDouble('centred_causal_norm_a', column(norms.a.centredCausalNorm)),
    nullableDouble('centred_causal_norm_b', column(norms.b.centredCausalNorm)),
    nullableDouble('displacement', column(moved?.norm)),
    nullableDouble('causal_displacement', column(moved?.causalNorm)),
    nullableDouble('cosine', column(moved?.cosine)),
    nullableDouble('mean_share', column(moved?.meanShare)),
    ...Array.from({ length: bands }, (_, band) =>
      nullableDouble(
        `band_${band + 1}_share`,
        column(moved?.bandShares, (place) => place * bands + band),
      ),
    ),
    nullableDouble('bf16_steps', stepsOf(column(moved?.steps))),
    nullableInt32(
      'bf16_most_steps',
      Int32Array.from(column(moved?.mostSteps), (steps) => (Number.isNaN(steps) ? -1 : steps)),
    ),
    repetitive(
      nullableDouble(
        'neighbours_kept',
        Float64Array.from(rows, ({ place }) => keptShares.get(place) ?? Number.NaN),
      ),
    ),
  ];
}

/** Tokens of the table: ids in both runs, -1 where they have none, and the place among the pairs, or -1. */
function rowsOf({ a, b, onlyA, onlyB }: AlignedTokens): { a: number; b: number; place: number }[] {
  const ofA = [
    ...Array.from(a, (id, place) => ({ a: id, b: b[place]!, place })),
    ...Array.from(onlyA, (id) => ({ a: id, b: -1, place: -1 })),
  ].sort((one, other) => one.a - other.a);
  return [...ofA, ...Array.from(onlyB, (id) => ({ a: -1, b: id, place: -1 }))];
}

function stepsOf(steps: Float64Array): Float64Array {
  return steps.map((value) => (value < 0 ? Number.NaN : value));
}
