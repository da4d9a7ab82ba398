import { double, int32, nullableDouble, sorted, type TableColumn } from '../formats/parquet-table.js';
import type { StoredEigenbasis } from '../linalg/eigenbasis.js';
import { clustersOf, relativeGaps } from './clusters.js';
import { degrees } from './degrees.js';
import type { MergedTables } from './merged-tables.js';

const quantiles = [1, 5, 10, 25, 50, 75, 90, 95, 99];
/** Hundredths of a cosine, as the kernel counts them. */
const alignments = [10, 20, 30, 50, 70];
/** Where the sums of each metric's angles begin in a column's 10, and its lists among the extremes. */
const metrics = [
  { name: 'euclidean', sums: 4, aligned: 0, list: 2 },
  { name: 'causal', sums: 7, aligned: 5, list: 4 },
];
const SUMS = 10;

/** eigenvectors.parquet: a row an eigenvector, ascending lambda. */
export function eigenvectorTable(
  tables: MergedTables,
  {
    eigenvalues: lambda,
    covarianceEigenvalues,
  }: Pick<StoredEigenbasis, 'eigenvalues' | 'covarianceEigenvalues'>,
): TableColumn[] {
  const { means } = tables.settings;
  const { minima, maxima } = tables.fine.extremes();
  const d = lambda.length;
  const ascending = Int32Array.from({ length: d }, (_, j) => j);
  const inCausalUnits = (values: Float64Array) => values.map((value, j) => Math.sqrt(lambda[j]!) * value);
  const [least, most] = [inCausalUnits(minima), inCausalUnits(maxima)];
  const token = (list: number) => ascending.map((j) => tables.extremes.at(j, list, 0)!.token);
  const causalMeans = lambda.map((value, j) => value * means[j]! ** 2);
  const causalMean = causalMeans.reduce((sum, value) => sum + value, 0);
  return [
    sorted('index', ascending),
    // lambda = 1 / (c + rho) falls as c rises.
    int32(
      'rank_by_variance',
      ascending.map((j) => j + 1),
    ),
    double('lambda', lambda),
    nullableDouble('covariance_eigenvalue', covarianceEigenvalues ?? new Float64Array(d).fill(Number.NaN)),
    nullableDouble('relative_gap', relativeGaps(lambda)),
    int32('cluster', clustersOf(lambda)),
    ...momentColumns(tables),
    double('minimum', minima),
    double('maximum', maxima),
    int32('minimum_token_id', token(1)),
    int32('maximum_token_id', token(0)),
    double('extent_minimum', least),
    double('extent_maximum', most),
    double(
      'diameter',
      most.map((value, j) => value - least[j]!),
    ),
    ...metrics.flatMap((metric) => angleColumns(tables, metric)),
    ...quantileColumns(tables, d),
    double('centroid_coordinate', means),
    nullableDouble(
      'centroid_share',
      causalMeans.map((value) => value / causalMean),
    ),
  ];
}

/** Of p, from the sums of q = p - m, which hardly cancel: q has a mean of next to nothing. */
function momentColumns({ rows, columnSums, settings: { means } }: MergedTables): TableColumn[] {
  const moments = Array.from(means, (m, j) => {
    const [first, second, third, fourth] = columnSums
      .subarray(j * SUMS, j * SUMS + 4)
      .map((sum) => sum / rows);
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
  const of = (name: keyof (typeof moments)[number]) => Float64Array.from(moments, (column) => column[name]);
  return [
    double('mean', of('mean')),
    double('variance', of('variance')),
    nullableDouble('skewness', of('skewness')),
    nullableDouble('kurtosis', of('kurtosis')),
  ];
}

/** The kernel sums s = 90 - angle, and the folded angle is 90 - |s|; rows of zeros have added nothing. */
function angleColumns(
  { rows, zeroRows, columnSums, aligned, extremes, settings: { means } }: MergedTables,
  metric: (typeof metrics)[number],
): TableColumn[] {
  const count = rows - zeroRows;
  const perColumn = (value: (j: number) => number) => Float64Array.from(means, (_, j) => value(j));
  const sum = (j: number, k: number) => columnSums[j * SUMS + metric.sums + k]! / count;
  const deviation = (j: number, mean: number) => Math.sqrt(Math.max(0, sum(j, 1) - mean * mean));
  const extreme = (j: number, list: number) => degrees(extremes.at(j, list, 0)?.value ?? Number.NaN);
  const name = `${metric.name}_angle`;
  return [
    nullableDouble(
      `${name}_mean`,
      perColumn((j) => 90 - sum(j, 0)),
    ),
    nullableDouble(
      `${name}_std`,
      perColumn((j) => deviation(j, sum(j, 0))),
    ),
    nullableDouble(
      `${name}_minimum`,
      perColumn((j) => extreme(j, metric.list)),
    ),
    nullableDouble(
      `${name}_maximum`,
      perColumn((j) => extreme(j, metric.list + 1)),
    ),
    nullableDouble(
      `${metric.name}_folded_angle_mean`,
      perColumn((j) => 90 - sum(j, 2)),
    ),
    nullableDouble(
      `${metric.name}_folded_angle_std`,
      perColumn((j) => deviation(j, sum(j, 2))),
    ),
    ...alignments.map((hundredths, k) =>
      int32(
        `${metric.name}_aligned_${hundredths}`,
        Int32Array.from(means, (_, j) => aligned[j * SUMS + metric.aligned + k]!),
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
