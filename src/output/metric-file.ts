import path from 'node:path';
import type { FileRecord } from '../files/file-record.js';
import type { FileLayout } from '../formats/layout.js';
import { planSafetensorsFile } from '../formats/plan-safetensors.js';
import { withStoredTensors } from '../formats/stored-tensors.js';
import { writeRecordedFile } from './recorded-file.js';

export const METRIC_NAME = 'metric.safetensors';

/** Plans `metric.safetensors`, float64: M = (C + rho I)^-1 [d, d], the covariance C [d, d], the mean row mu [d]. */
export function planMetric(d: number, metadata: Record<string, string>): FileLayout {
  const square = { dtype: 'float64', shape: [d, d] } as const;
  return planSafetensorsFile({ M: square, C: square, mean: { dtype: 'float64', shape: [d] } }, metadata);
}

/** Writes `metric.safetensors`, see `planMetric`. It can be given as --metric to another run. */
export function writeMetric(
  directory: string,
  { metric, covariance, mean }: { metric: Float64Array; covariance: Float64Array; mean: Float64Array },
  metadata: Record<string, string>,
): FileRecord {
  const layout = planMetric(mean.length, metadata);
  return writeRecordedFile(directory, METRIC_NAME, layout, [metric, covariance, mean]);
}

/** mu, [d], of a run that computed its metric. */
export async function readMean(directory: string, d: number): Promise<Float64Array> {
  return withStoredTensors(path.join(directory, METRIC_NAME), (tensors) => tensors.float64('mean', [d]));
}

/** C, [d, d], of a run that computed it. */
export async function readCovariance(directory: string, d: number): Promise<Float64Array> {
  return withStoredTensors(path.join(directory, METRIC_NAME), (tensors) => tensors.float64('C', [d, d]));
}
