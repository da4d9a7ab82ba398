import { type PickedRows, someOf } from '../input/picked-rows.js';
import type { Backend } from '../linalg/backend/backend.js';
import { pairUnits } from '../plan/pair-units.js';
import type { RowRange } from '../plan/row-ranges.js';
import type { AlignedTokens } from '../tables/align-vocabularies.js';
import type { ComparedSide } from './compared-side.js';

/** Two runs with the tokens that they share. */
export interface ComparedPair {
  a: ComparedSide;
  b: ComparedSide;
  tokens: AlignedTokens;
  /** Rows of A and of B of every pair. */
  rows: { a: PickedRows; b: PickedRows };
  /** Number of pairs n. */
  count: number;
  units: readonly RowRange[];
  backend: Backend;
}

/** Brings two runs together. */
export function pairOf(
  { a, b }: { a: ComparedSide; b: ComparedSide },
  tokens: AlignedTokens,
  backend: Backend,
): ComparedPair {
  const count = tokens.a.length;
  return {
    ...{ a, b, tokens, count, backend },
    rows: { a: { source: a.source, ids: tokens.a }, b: { source: b.source, ids: tokens.b } },
    units: pairUnits(count),
  };
}

/** Whether both runs have one hidden size: only then rows can be taken from each other. */
export function haveOneSize({ a, b }: ComparedPair): boolean {
  return a.source.columns === b.source.columns;
}

/** Rows of one side in every unit. */
export function rowsByUnit({ units }: Pick<ComparedPair, 'units'>, rows: PickedRows): PickedRows[] {
  return units.map((unit) => someOf(rows, unit));
}
