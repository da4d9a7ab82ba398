/**
 * Sums over rows that tell how p is spread along each column, as they are or each row times a weight. Arrays are [d]. Powers
 * are those of q = p - centre: where few rows have weight, hardly anything is left of differences of the powers of p.
 */
export interface RowSums {
  /** Sum of the weights: the number of rows where they have none. */
  total: number;
  /** What is taken off p before; null where nothing is. */
  centres: Float64Array | null;
  /** Sums of q. */
  sums: Float64Array;
  sumsOfSquares: Float64Array;
  sumsOfCubes: Float64Array;
  sumsOfFourths: Float64Array;
  /** Sum of ||gamma_i||^2. */
  gammaSquares: number;
}

/** What rows with weights of their own are measured by beside all others. */
export interface WeightedMeasurements {
  /** Sums of each column of the checkpoint, sum_i w_i gamma_ij, [d]. */
  gammaSums: Float64Array;
  /** Every row times its weight w_i, which is what averages are. */
  first: RowSums;
  /** Every row times w_i^2, which is what the variances of errors in averages are. */
  second: RowSums;
}

/** Makes sums of no rows. @param centres about the means of the columns, [d] */
export function emptyWeightedSums(centres: Float64Array): RowSums {
  const zeros = () => new Float64Array(centres.length);
  return {
    total: 0,
    centres,
    sums: zeros(),
    sumsOfSquares: zeros(),
    sumsOfCubes: zeros(),
    sumsOfFourths: zeros(),
    gammaSquares: 0,
  };
}

/** Sums of two parts taken together. */
export function mergeWeighted(a: WeightedMeasurements, b: WeightedMeasurements): WeightedMeasurements {
  return {
    gammaSums: added(a.gammaSums, b.gammaSums),
    first: mergeSums(a.first, b.first),
    second: mergeSums(a.second, b.second),
  };
}

function mergeSums(a: RowSums, b: RowSums): RowSums {
  return {
    total: a.total + b.total,
    centres: a.centres,
    sums: added(a.sums, b.sums),
    sumsOfSquares: added(a.sumsOfSquares, b.sumsOfSquares),
    sumsOfCubes: added(a.sumsOfCubes, b.sumsOfCubes),
    sumsOfFourths: added(a.sumsOfFourths, b.sumsOfFourths),
    gammaSquares: a.gammaSquares + b.gammaSquares,
  };
}

function added(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, j) => value + b[j]!);
}
