import path from 'node:path';
import type { FileRecord } from '../files/file-record.js';
import type { FileLayout } from '../formats/layout.js';
import { planSafetensorsFile } from '../formats/plan-safetensors.js';
import { withStoredTensors } from '../formats/stored-tensors.js';
import type { SecondMoment } from '../plan/second-moment.js';
import { writeRecordedFileAside } from './recorded-file.js';

export const METRIC_NAME = 'metric.safetensors';

/** Name of the tensor of which M is the inverse but for the ridge. */
const momentNames = { centred: 'C', uncentred: 'E' } as const satisfies Record<SecondMoment, string>;

/** What `metric.safetensors` holds. */
export interface MetricContents {
  /** M = (C + rho I)^-1, [d, d] float64. */
  metric: Float64Array;
  /** What M is the inverse of but for the ridge, [d, d] float64. */
  moment: Float64Array;
  secondMoment: SecondMoment;
  /** mu, [d] */
  mean: Float64Array;
  /** Weights of the rows, [V]; null where all are alike. */
  weights: Float64Array | null;
}

/**
 * Plans `metric.safetensors`, float64: M = (C + rho I)^-1 [d, d], the covariance C [d, d], or E = C + mu mu^T where M is made
 * of that, the mean row mu [d], and the weights [V] where rows are weighed.
 *
 * @param weighted number of rows that have weights; 0 where all are alike
 */
export function planMetric(
  d: number,
  { secondMoment, weighted }: { secondMoment: SecondMoment; weighted: number },
  metadata: Record<string, string>,
): FileLayout {
  const square = { dtype: 'float64', shape: [d, d] } as const;
  return planSafetensorsFile(
    {
      M: square,
      [momentNames[secondMoment]]: square,
      mean: { dtype: 'float64', shape: [d] },
      ...(weighted === 0 ? {} : { [WEIGHTS]: { dtype: 'float64', shape: [weighted] } }),
    },
    metadata,
  );
}

const WEIGHTS = 'weights';

/**
 * Writes `metric.safetensors`, see `planMetric`, on a thread that Node has for it. It can be given as --metric to another run.
 */
export function writeMetric(
  directory: string,
  { metric, moment, secondMoment, mean, weights }: MetricContents,
  metadata: Record<string, string>,
): Promise<FileRecord> {
  const layout = planMetric(mean.length, { secondMoment, weighted: weights?.length ?? 0 }, metadata);
  const values = [metric, moment, mean, ...(weights === null ? [] : [weights])];
  return writeRecordedFileAside(directory, METRIC_NAME, layout, values);
}

/** mu, [d], of a run that computed its metric. */
export async function readMean(directory: string, d: number): Promise<Float64Array> {
  return withStoredTensors(path.join(directory, METRIC_NAME), (tensors) => tensors.float64('mean', [d]));
}

/** Weights of the rows, [V], and mu, [d], of a run that weighed them. */
export async function readWeighing(
  directory: string,
  { rows, hidden }: { rows: number; hidden: number },
): Promise<{ weights: Float64Array; mean: Float64Array }> {
  return withStoredTensors(path.join(directory, METRIC_NAME), async (tensors) => ({
    weights: await tensors.float64(WEIGHTS, [rows]),
    mean: await tensors.float64('mean', [hidden]),
  }));
}

/** What M is the inverse of but for the ridge, [d, d], of a run that computed it. */
export async function readMoment(
  directory: string,
  d: number,
  secondMoment: SecondMoment,
): Promise<Float64Array> {
  return withStoredTensors(path.join(directory, METRIC_NAME), (tensors) =>
    tensors.float64(momentNames[secondMoment], [d, d]),
  );
}
