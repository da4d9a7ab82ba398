import { double, nullableDouble, repetitive, sorted, type TableColumn } from '../formats/parquet-table.js';
import type { DisplacementPart } from './displacement-part.js';

/** Ways of all tokens to a step, from the step before, which the first has not, and from the first. */
export interface TokenWays {
  fromBefore: DisplacementPart | null;
  fromFirst: DisplacementPart;
}

/** Rows of a series' tokens.parquet that tell of one step, a row a token by id. */
export function seriesTokenTable(step: number, { fromBefore, fromFirst }: TokenWays): TableColumn[] {
  const { length } = fromFirst.norm;
  const unknown = new Float64Array(fromBefore === null ? length : 0).fill(Number.NaN);
  return [
    repetitive(sorted('step', new Int32Array(length).fill(step))),
    sorted(
      'token_id',
      Int32Array.from({ length }, (_, id) => id),
    ),
    double('norm', fromFirst.endNorm),
    nullableDouble('displacement_before', fromBefore?.norm ?? unknown),
    nullableDouble('causal_displacement_before', fromBefore?.causalNorm ?? unknown),
    double('displacement_first', fromFirst.norm),
    double('causal_displacement_first', fromFirst.causalNorm),
  ];
}
