import { double, int32, nullableDouble, sorted, type TableColumn } from '../formats/parquet-table.js';
import { clustersOf, relativeGaps } from './clusters.js';
import { degrees } from './degrees.js';
import { listOf } from './extremes.js';
import type { Side } from './measures.js';
import type { MergedTables } from './merged-tables.js';
import { ANGLE_SUMS, alignments, angleMetrics, COLUMN_ALIGNMENTS, COLUMN_SUMS, MOMENT_SUMS } from './part.js';
import type { SpectrumSource } from './spectrum.js';

/** Quantiles of p that the table has, in percent. */
const quantiles = [1, 5, 10, 25, 50, 75, 90, 95, 99];

/** Columns of eigenvectors.parquet: a row an eigenvector, ascending lambda. */
export function eigenvectorTable(
  tables: MergedTables,
  { eigenvalues: lambda, covarianceEigenvalues, projected }: SpectrumSource,
): TableColumn[] {
  const { means } = tables.settings;
  const d = lambda.length;
  const ascending = Int32Array.from({ length: d }, (_, j) => j);
  const causalMeans = lambda.map((value, j) => value * means[j]! ** 2);
  const causalMean = causalMeans.reduce((sum, value) => sum + value, 0);
  const moments = momentsOf(tables);
  return [
    sorted('index', ascending),
    // Of the checkpoint's own metric, lambda = 1 / (c + rho) falls as c rises.
    int32(
      'rank_by_variance',
      projected === null
        ? ascending.map((j) => j + 1)
        : ranksByFalling(moments.map(({ variance }) => variance)),
    ),
    double('eigenvalue', lambda),
    nullableDouble('covariance_eigenvalue', covarianceEigenvalues ?? new Float64Array(d).fill(Number.NaN)),
    nullableDouble('relative_gap', relativeGaps(lambda)),
    int32('cluster', clustersOf(lambda)),
    ...momentColumns(moments),
    ...extentColumns(tables, lambda),
    ...angleMetrics.flatMap((_, metric) => angleColumns(tables, metric)),
    ...quantileColumns(tables, d),
    double('centroid_coordinate', means),
    nullableDouble(
      'centroid_share',
      causalMeans.map((value) => value / causalMean),
    ),
  ];
}

/** Ends of p with their tokens, and of z = sqrt(lambda) p. */
function extentColumns({ fine, extremes }: MergedTables, lambda: Float64Array): TableColumn[] {
  const { minima, maxima } = fine.extremes();
  const inCausalUnits = (values: Float64Array) => values.map((value, j) => Math.sqrt(lambda[j]!) * value);
  const [least, most] = [inCausalUnits(minima), inCausalUnits(maxima)];
  const token = (list: number) => Int32Array.from(lambda, (_, j) => extremes.at(j, list, 0)!.token);
  return [
    double('minimum', minima),
    double('maximum', maxima),
    int32('minimum_token_id', token(listOf('projection', '-'))),
    int32('maximum_token_id', token(listOf('projection', '+'))),
    double('extent_minimum', least),
    double('extent_maximum', most),
    double(
      'diameter',
      most.map((value, j) => value - least[j]!),
    ),
  ];
}

/** Ranks of values, from 1 for the largest; ties to the lowest index. */
function ranksByFalling(values: readonly number[]): Int32Array {
  const order = Array.from(values.keys()).sort((a, b) => values[b]! - values[a]! || a - b);
  const ranks = new Int32Array(values.length);
  for (const [place, j] of order.entries()) ranks[j] = place + 1;
  return ranks;
}

/** Moments of a column p_j. */
interface ColumnMoments {
  mean: number;
  variance: number;
  skewness: number;
  kurtosis: number;
}

/** Moments of p by the rows' weights, from the sums of q = p - m, which hardly cancel: q has a mean of next to nothing. */
function momentsOf({ columnSums, settings: { means, momentTotal } }: MergedTables): ColumnMoments[] {
  return Array.from(means, (m, j) => {
    const [first, second, third, fourth] = columnSums
      .subarray(j * COLUMN_SUMS, j * COLUMN_SUMS + MOMENT_SUMS)
      .map((sum) => sum / momentTotal);
    const square = first! * first!;
    const variance = Math.max(0, second! - square);
    const skew = third! - 3 * first! * second! + 2 * first! * square;
    const fourthCentral = fourth! - 4 * first! * third! + 6 * square * second! - 3 * square * square;
    return {
      mean: m + first!,
      variance,
      skewness: skew / variance ** 1.5,
      kurtosis: fourthCentral / (variance * variance),
    };
  });
}

function momentColumns(moments: readonly ColumnMoments[]): TableColumn[] {
  const of = (name: keyof ColumnMoments) => Float64Array.from(moments, (column) => column[name]);
  return [
    double('mean', of('mean')),
    double('variance', of('variance')),
    nullableDouble('skewness', of('skewness')),
    nullableDouble('kurtosis', of('kurtosis')),
  ];
}

/** Angles in a metric. The kernel sums s = 90 - angle, and the folded angle is 90 - |s|; rows of zeros add nothing. */
function angleColumns(
  { rows, zeroRows, columnSums, aligned, extremes, settings: { means } }: MergedTables,
  metric: number,
): TableColumn[] {
  const name = angleMetrics[metric]!;
  const firstSum = MOMENT_SUMS + metric * ANGLE_SUMS;
  const firstAligned = metric * alignments.length;
  const count = rows - zeroRows;
  const sum = (j: number, k: number) => columnSums[j * COLUMN_SUMS + firstSum + k]! / count;
  const deviation = (j: number, mean: number) => Math.sqrt(Math.max(0, sum(j, 1) - mean * mean));
  const extreme = (j: number, side: Side) =>
    degrees(extremes.at(j, listOf(`${name}_cosine`, side), 0)?.value ?? Number.NaN);
  const column = (what: string, value: (j: number) => number) =>
    nullableDouble(
      `${name}_${what}`,
      Float64Array.from(means, (_, j) => value(j)),
    );
  return [
    column('angle_mean', (j) => 90 - sum(j, 0)),
    column('angle_std', (j) => deviation(j, sum(j, 0))),
    column('angle_minimum', (j) => extreme(j, '+')),
    column('angle_maximum', (j) => extreme(j, '-')),
    column('folded_angle_mean', (j) => 90 - sum(j, 2)),
    column('folded_angle_std', (j) => deviation(j, sum(j, 2))),
    ...alignments.map((hundredths, k) =>
      int32(
        `${name}_aligned_${hundredths}`,
        Int32Array.from(means, (_, j) => aligned[j * COLUMN_ALIGNMENTS + firstAligned + k]!),
      ),
    ),
  ];
}

function quantileColumns({ fine }: MergedTables, d: number): TableColumn[] {
  const values = Array.from({ length: d }, (_, j) =>
    fine.quantiles(
      j,
      quantiles.map((percent) => percent / 100),
    ),
  );
  return quantiles.map((percent, k) =>
    double(
      `quantile_${String(percent).padStart(2, '0')}`,
      Float64Array.from(values, (column) => column[k]!),
    ),
  );
}
