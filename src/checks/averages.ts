import type { Measurements } from './measurements.js';
import type { RowSums } from './weighted-sums.js';

function withoutWeights(measurements: Measurements): RowSums {
  return { ...measurements, total: measurements.rows, centres: null };
}

/** The sums that averages over the rows are made of, by their weights where they have some. */
export function averagedSums(measurements: Measurements): RowSums {
  return measurements.weighted?.first ?? withoutWeights(measurements);
}

/** The sums of which the errors of averages are made: the same ones where all rows weigh alike. */
export function errorSums(measurements: Measurements): RowSums {
  return measurements.weighted?.second ?? withoutWeights(measurements);
}

/** Number of rows whose independent errors an average has, 1 / sum w^2. */
export function rowsOfAverage({ rows, weighted }: Measurements): number {
  return weighted === undefined ? rows : weighted.first.total ** 2 / weighted.second.total;
}

/** The checkpoint's mean row by its weights, [d]. */
export function averageRow({ rows, gammaSums, weighted }: Measurements): Float64Array {
  if (weighted === undefined) return gammaSums.map((sum) => sum / rows);
  return weighted.gammaSums.map((sum) => sum / weighted.first.total);
}

/** Mean of p in column j. */
export function meanOfColumn({ sums, total, centres }: RowSums, j: number): number {
  const mean = sums[j]! / total;
  return centres === null ? mean : centres[j]! + mean;
}

/** Mean of p^2 in column j. */
export function squareOfColumn({ sums, sumsOfSquares, total, centres }: RowSums, j: number): number {
  const square = sumsOfSquares[j]! / total;
  if (centres === null) return square;
  const centre = centres[j]!;
  return Math.max(0, square + (2 * centre * sums[j]!) / total + centre * centre);
}

/** Mean of (p - about)^2 in column j. */
export function spreadOfColumn(sums: RowSums, j: number, about: number): number {
  const shift = (sums.centres?.[j] ?? 0) - about;
  const spread =
    sums.sumsOfSquares[j]! / sums.total + (2 * shift * sums.sums[j]!) / sums.total + shift * shift;
  return Math.max(0, spread);
}

/** Mean of column j, and the means of the powers of p less that. */
export interface CentralMoments {
  mean: number;
  second: number;
  third: number;
  fourth: number;
}

/** Gives the moments of column j, within what any numbers have: rounding may take them beyond. */
export function centralMoments(rowSums: RowSums, j: number): CentralMoments {
  const { total, sums, sumsOfSquares, sumsOfCubes, sumsOfFourths, centres } = rowSums;
  const [q, q2, q3, q4] = [sums, sumsOfSquares, sumsOfCubes, sumsOfFourths].map(
    (powers) => powers[j]! / total,
  ) as [number, number, number, number];
  const second = Math.max(0, q2 - q * q);
  const fourth = Math.max(second * second, q4 - 4 * q * q3 + 6 * q * q * q2 - 3 * q ** 4);
  const most = Math.sqrt(second * fourth);
  const third = Math.max(-most, Math.min(most, q3 - 3 * q * q2 + 2 * q ** 3));
  return { mean: (centres?.[j] ?? 0) + q, second, third, fourth };
}

/** Means of the columns of the projections, [d], by the rows' weights. */
export function columnMeans(measurements: Measurements): Float64Array {
  const sums = averagedSums(measurements);
  return sums.sums.map((_, j) => meanOfColumn(sums, j));
}

/** Means of the squares of each column, [d], by the rows' weights. */
export function columnSquares(measurements: Measurements): Float64Array {
  const sums = averagedSums(measurements);
  return sums.sums.map((_, j) => squareOfColumn(sums, j));
}

/** Variances of the columns of the projections, [d], by the rows' weights; their sum is the trace of C in whatever basis. */
export function columnVariances(measurements: Measurements): Float64Array {
  const { sums, sumsOfSquares, total } = averagedSums(measurements);
  return sums.map((sum, j) => {
    const mean = sum / total;
    const variance = sumsOfSquares[j]! / total - mean * mean;
    // Rounding may take it below 0; a NaN stays.
    return variance < 0 ? 0 : variance;
  });
}
