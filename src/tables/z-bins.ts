/** Bins of the histograms of z: [lower, upper) in `bins` equal parts, the same for every eigenvector. */
export interface ZBins {
  bins: number;
  lower: number;
  upper: number;
  /** Exponent of the width of a bin, 2^exponent, of which the edges are multiples. */
  exponent: number;
}

/** Number of bins of the histograms of z. */
export const Z_BINS = 256;

/** Least upper end, at which a bin is 1/16 of a standard deviation: finer ones are not worth their rows. */
const MIN_UPPER = 8;

/**
 * Chooses bins that hold the z_ij of a metric that is the inverse of the covariance: z has a variance of 1 at most,
 * around sqrt(lambda_j) m_j. What another metric's z has beyond them goes to the first and the last bin.
 *
 * The upper end is a power of two, so edges and binning are exact.
 *
 * @param lambda eigenvalues, [d]
 * @param means m = mu V, [d]
 */
export function chooseZBins(lambda: Float64Array, means: Float64Array): ZBins {
  let centre = 0;
  for (let j = 0; j < lambda.length; j++) {
    centre = Math.max(centre, Math.sqrt(lambda[j]!) * Math.abs(means[j]!));
  }
  const upper = Math.max(MIN_UPPER, 2 ** Math.ceil(Math.log2(centre + SPREAD)));
  return { bins: Z_BINS, lower: -upper, upper, exponent: Math.log2((2 * upper) / Z_BINS) };
}

/** Standard deviations beside the mean that should lie inside. */
const SPREAD = 6;
