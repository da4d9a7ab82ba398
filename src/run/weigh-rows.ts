import { type Executor, runTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import type { RowSource } from '../input/checkpoint.js';
import { type RecordedBias, readLogitBias } from '../input/logit-bias.js';
import type { Scan } from '../input/scan.js';
import type { WeightingRecord } from '../input/weighting/read-weighting.js';
import { normalised, softmaxOf, weightsOfGroups } from '../input/weighting/row-weights.js';
import { foldedRow, passVectors } from '../linalg/fold.js';
import type { RowRange } from '../plan/row-ranges.js';
import { readDuplicates } from './read-duplicates.js';

/** Weights of the rows, and their mean under them. */
export interface WeighedRows {
  /** w, [V], their sum 1. */
  weights: Float64Array;
  /** mu = sum w gamma, [d]. */
  mean: Float64Array;
  /** The mean of the rows before a norm is folded in, [d]; mu where none is. */
  unfoldedMean: Float64Array;
}

/** What the weights of a run are made of. */
export interface WeighingInputs {
  record: WeightingRecord;
  /** As `ReadWeighting` has them. */
  values: Float64Array | null;
  source: RowSource;
  logitBias: RecordedBias | null;
  scan: Pick<Scan, 'offsets' | 'rowHashes'>;
}

/** The pool, and who is told of rows that are done: of each pass of which there are two at most. */
interface Pool {
  executor: Executor;
  /** Ranges of rows that a task takes. */
  ranges: readonly RowRange[];
  onRows: (rows: number) => void;
}

/** Passes through all rows that a weighting takes. */
export function passesOfWeighting({ kind }: Pick<WeightingRecord, 'kind'>): number {
  return kind === 'softmax' ? 2 : 1;
}

/** Computes the weights of the rows and their weighted mean, on the pool, in float64. Its bits do not depend on the pool. */
export async function weighRows(inputs: WeighingInputs, pool: Pool): Promise<WeighedRows> {
  const { fold, ...unfolded } = inputs.source;
  const weights = await weightsOf(inputs, pool);
  const unfoldedMean = new Float64Array(unfolded.columns);
  const tasks = pool.ranges.map((rows) => ({
    source: unfolded,
    rows,
    weights: weights.slice(rows.first, rows.first + rows.count),
  }));
  const sums: Float64Array[] = [];
  await runTasks(tellRows(pool.executor, pool.onRows), 'weightedSum', tasks, ({ sum }, index) => {
    sums[index] = sum;
  });
  for (const sum of sums) for (let j = 0; j < sum.length; j++) unfoldedMean[j]! += sum[j]!;
  return { weights, unfoldedMean, mean: fold === undefined ? unfoldedMean : foldedRow(unfoldedMean, fold) };
}

/** Computes the weights of the rows, [V]; those of a softmax on the pool. */
export async function weightsOf(
  { record: { kind }, values, source, logitBias, scan }: WeighingInputs,
  pool: Pool,
): Promise<Float64Array> {
  switch (kind) {
    case 'unique':
      return weightsOfGroups(readDuplicates(source, scan.rowHashes!));
    case 'tokenizer':
    case 'counts':
      return normalised(values!);
    case 'bias':
      return softmaxOf((await readLogitBias(logitBias, scan.offsets, source.rows))!);
    case 'softmax': {
      const logits = await logitsOf(source, values!, pool);
      const bias = await readLogitBias(logitBias, scan.offsets, source.rows);
      return softmaxOf(bias === null ? logits : logits.map((logit, i) => logit + bias[i]!));
    }
  }
}

/** Multiplies the rows with a hidden state that has been normalised: with a norm folded in, D (I - 1 1^T / d) h meets them as stored. */
async function logitsOf(
  source: RowSource,
  state: Float64Array,
  { executor, ranges, onRows }: Pool,
): Promise<Float64Array> {
  const { fold, ...unfolded } = source;
  const vector = state.slice();
  if (fold !== undefined) passVectors(vector, fold);
  const logits = new Float64Array(source.rows);
  const tasks = ranges.map((rows) => ({ source: unfolded, rows, vector }));
  await runTasks(tellRows(executor, onRows), 'products', tasks, ({ products }, index) => {
    logits.set(products, ranges[index]!.first);
  });
  return logits;
}
