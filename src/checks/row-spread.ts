import { matrixTimesColumn } from '../linalg/matrix-times-column.js';
import { spectralDiagonal } from '../linalg/spectral-diagonal.js';
import { meanOfColumn, spreadOfColumn } from './averages.js';
import type { Expected } from './expected.js';
import type { Measurements } from './measurements.js';
import type { RowSums } from './weighted-sums.js';

/** Where the rows of a checkpoint lie, and how far they are spread. Arrays are [d]. */
export interface RowSpread {
  /** Their mean row. */
  mean: Float64Array;
  /** Variances of their coordinates. */
  coordinates: Float64Array;
  /** Variances of the columns of their projections. */
  columns: Float64Array;
}

/**
 * Gives the spread of rows that all weigh alike. Where V is the eigenbasis of their covariance C, its diagonal follows from
 * that. Where it is not, the variances of coordinates are in proportion to those of the pairs of rows that were sampled, and
 * their sum is the trace of C, whatever the basis.
 */
export function evenSpread(
  { weights }: Measurements,
  sums: RowSums,
  { eigenvectors, metric }: Pick<Expected, 'eigenvectors' | 'metric'>,
): RowSpread {
  const { mean, columns } = alongColumns(sums, eigenvectors);
  const trace = total(columns);
  const sampled = total(weights.differences);
  const isOwn = metric.source === 'computed' && metric.secondMoment === 'centred';
  const coordinates =
    isOwn || sampled === 0
      ? spectralDiagonal(eigenvectors, columns)
      : weights.differences.map((value) => (value / sampled) * trace);
  return { mean, coordinates, columns };
}

/** Gives the spread of rows by their weights, whose covariance V diagonalises, or by the squares of these, nearly so. */
export function weightedSpread(sums: RowSums, eigenvectors: Float32Array): RowSpread {
  const { mean, columns } = alongColumns(sums, eigenvectors);
  return { mean, coordinates: spectralDiagonal(eigenvectors, columns), columns };
}

/** The mean row, V times the means of the columns, and the columns' variances. */
function alongColumns(sums: RowSums, eigenvectors: Float32Array): Pick<RowSpread, 'mean' | 'columns'> {
  const means = sums.sums.map((_, j) => meanOfColumn(sums, j));
  const columns = means.map((mean, j) => spreadOfColumn(sums, j, mean));
  return { mean: matrixTimesColumn(eigenvectors, means), columns };
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
