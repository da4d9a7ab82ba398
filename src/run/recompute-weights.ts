import { InputError } from '../errors.js';
import {
  readRecordedWeighting,
  type WeightingRecord,
  weighedCheckpoint,
} from '../input/weighting/read-weighting.js';
import { SCAN_ROWS } from '../plan/plan-run.js';
import { splitRows } from '../plan/row-ranges.js';
import type { RunContext } from './context.js';
import type { RecordedModel } from './recorded-model.js';
import { weightsOf } from './weigh-rows.js';

/** Weights of a run that have been computed again, [V]; null where they were not, and why that is, if it should not be. */
export interface RecomputedWeights {
  weights: Float64Array | null;
  missing: string | null;
}

/**
 * Computes the weights of a finished run again where they are made of its checkpoint alone: of equal rows, of the tokenizer,
 * of the bias of the logits.
 *
 * @param place of the checkpoint, beside whose rows the tokenizer lies
 */
export async function recomputeWeights(
  record: WeightingRecord,
  place: string,
  { source, scan, recordedBias: logitBias }: RecordedModel,
  { executor }: Pick<RunContext, 'executor'>,
): Promise<RecomputedWeights> {
  const { kind } = record;
  // Their file may be anywhere by now.
  if (kind === 'counts' || kind === 'softmax') return { weights: null, missing: null };
  try {
    const values = await readRecordedWeighting(record, weighedCheckpoint({ path: place, source, logitBias }));
    const pool = { executor, ranges: splitRows(source.rows, SCAN_ROWS), onRows: () => {} };
    return { weights: await weightsOf({ record, values, source, logitBias, scan }, pool), missing: null };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { weights: null, missing: `the weights by ${kind} were not computed again: ${error.message}` };
  }
}
