import path from 'node:path';
import { rowTimesMatrix } from '../linalg/row-times-matrix.js';
import type { EigenbasisOnDisk } from '../output/eigenbasis-file.js';
import { METRIC_NAME, readMean } from '../output/metric-file.js';
import { openTable } from '../output/open-table.js';
import { refuseDamaged } from '../output/refuse-damaged.js';
import type { VectorSpectrum } from '../tables/vector-geometry.js';
import type { LockedRun } from './plan-extension.js';

/** Reads what the run knows of its spectrum and of the mean row, whose files are compared with their records first. */
export async function readVectorSpectrum(
  { directory, manifest }: Pick<LockedRun, 'directory' | 'manifest'>,
  { eigenvalues, covarianceEigenvalues, eigenvectors }: EigenbasisOnDisk,
): Promise<VectorSpectrum> {
  const { metric, model, tables } = manifest;
  if (metric.source === 'computed') {
    await refuseDamaged(path.join(directory, METRIC_NAME), metric.file);
    const mean = await readMean(directory, model.hidden);
    const isUncentred = metric.secondMoment === 'uncentred';
    const means = rowTimesMatrix(mean, eigenvectors);
    return { eigenvalues, variances: covarianceEigenvalues, isUncentred, means };
  }
  // A given metric tells the variances only where it is the inverse of this checkpoint's own covariance.
  const variances = metric.matches === true ? covarianceEigenvalues : null;
  const columns =
    tables === null ? null : await openTable({ directory, tables }, 'eigenvectors', model.hidden);
  return {
    eigenvalues,
    variances,
    isUncentred: false,
    means: columns === null ? null : await columns.numbers('mean'),
  };
}
