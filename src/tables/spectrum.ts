import { type ClusterCounts, countClusters } from './clusters.js';

/** What the figures of a spectrum are taken from. Arrays are [d], by ascending lambda. */
export interface SpectrumSource {
  /** lambda, positive. */
  eigenvalues: Float64Array;
  /** c = 1 / lambda - rho, of the metric; null where its ridge rho is not known. */
  covarianceEigenvalues: Float64Array | null;
  ridge: number | null;
  /** Relative accuracy of the entries of a metric that was given; 0 where it was computed. */
  epsilon: number;
  /** Variances of the columns of the projections; null where the metric is the checkpoint's own, and c tells them. */
  projected: Float64Array | null;
}

/** Where figures of the variance come from: c of the checkpoint's own metric, or what was measured of the projections. */
export const varianceSources = ['covariance', 'projections'] as const;

/** Figures of a metric, and of the variance along its eigenvectors. */
export interface Spectrum {
  minimum: number;
  maximum: number;
  mean: number;
  /** Mean of the two middle values when their number is even. */
  median: number;
  trace: number;
  /** Ratio maximum / minimum. */
  conditionNumber: number;
  /** Logarithm ln det M = sum_j ln lambda_j. */
  logDeterminant: number;
  /** Ratio (sum lambda)^2 / sum lambda^2: how many directions share the causal weight. */
  participationRatio: number;
  /**
   * Ratio (sum c)^2 / sum c^2, a different number, of the data: with var_i p_ij in place of c where the metric is not
   * known to be the checkpoint's own. Null where nothing varies, as of one row, and in a run from before that, where the
   * ridge was not known.
   */
  covarianceParticipationRatio: number | null;
  /** Where that ratio, and all figures of the variance, come from. */
  varianceSource: (typeof varianceSources)[number];
  /** Number of directions with c_j < rho, whose causal weight is rho's choice; null where rho is not known. */
  ridgeBound: number | null;
  /** rho over the smallest c_j: by how much the ridge may shrink the largest lambda; null where rho is not known, or the rank is not d. */
  ridgeShare: number | null;
  /** Numerical rank of the metric's C, the number of c_j above what rounding leaves of zero; null without rho. */
  rank: number | null;
  /** Clusters of near-equal lambda; null in a run from before they were counted. */
  clusters: ClusterCounts | null;
  /** Distance from the Euclidean metric: ||M - I||_F = sqrt(sum (lambda - 1)^2), ||M - I||_2 = max |lambda - 1|. */
  identityDistance: { frobenius: number; spectral: number };
}

/** Sums up the eigenvalues of a metric, and the variance along its eigenvectors. */
export function summariseSpectrum(source: SpectrumSource): Spectrum {
  const { eigenvalues, covarianceEigenvalues: c, ridge, projected } = source;
  const d = eigenvalues.length;
  const minimum = eigenvalues[0]!;
  const maximum = eigenvalues[d - 1]!;
  const trace = sum(eigenvalues);
  const variances = variancesOf(source);
  const rank = numericalRank(source);
  return {
    minimum,
    maximum,
    mean: trace / d,
    median: (eigenvalues[(d - 1) >> 1]! + eigenvalues[d >> 1]!) / 2,
    trace,
    conditionNumber: maximum / minimum,
    logDeterminant: sum(eigenvalues.map(Math.log)),
    participationRatio: participationRatio(eigenvalues),
    // Of rows that are all one there is no variance to be shared.
    covarianceParticipationRatio:
      variances === null || sum(variances) === 0 ? null : participationRatio(variances),
    varianceSource: projected === null ? 'covariance' : 'projections',
    ridgeBound: c === null || ridge === null ? null : c.filter((value) => value < ridge).length,
    // The smallest c is nothing but rounding where it is not above it.
    ridgeShare:
      c === null || ridge === null || rank !== d ? null : ridge / c.reduce((a, b) => Math.min(a, b)),
    rank,
    clusters: countClusters(eigenvalues),
    identityDistance: {
      frobenius: Math.sqrt(sum(eigenvalues.map((lambda) => (lambda - 1) ** 2))),
      spectral: Math.max(Math.abs(minimum - 1), Math.abs(maximum - 1)),
    },
  };
}

/** Variances of the data along the eigenvectors, [d]; null where they are not known. */
function variancesOf({ covarianceEigenvalues, projected }: SpectrumSource): Float64Array | null {
  return projected ?? covarianceEigenvalues;
}

/**
 * Number of c_j above d eps c_max, the error of an eigensolver. Of a given metric 1 / lambda_j is known no better than
 * the file's entries, which as a matrix are off by sqrt(d) epsilon.
 */
function numericalRank({ eigenvalues, covarianceEigenvalues: c, epsilon }: SpectrumSource): number | null {
  if (c === null) return null;
  const d = c.length;
  const largest = c.reduce((a, b) => Math.max(a, b), 0);
  return c.filter(
    (value, j) => value > d * Number.EPSILON * largest && value > (Math.sqrt(d) * epsilon) / eigenvalues[j]!,
  ).length;
}

/** Shares of a whole, in percent, for which the number of directions that reach them is told. */
const SHARES = [50, 80, 90, 95, 99];

/** Figures of a spectrum, and the number of directions that hold most of it. */
export interface SpectralSummary extends Spectrum {
  /**
   * Number of directions, largest variance first, that hold 50, 80, ... % of trace C; null where the variance is not
   * known.
   */
  directionsOfVariance: Record<string, number> | null;
  /** Number of directions, largest lambda first, that hold 50, 80, ... % of trace M: another curve. */
  directionsOfCausalWeight: Record<string, number>;
}

/** Sums up a spectrum, with the number of directions that hold most of it. */
export function spectralSummary(source: SpectrumSource): SpectralSummary {
  const variances = variancesOf(source);
  return {
    ...summariseSpectrum(source),
    directionsOfVariance: variances === null ? null : directionsFor(variances),
    directionsOfCausalWeight: directionsFor(source.eigenvalues),
  };
}

function directionsFor(values: Float64Array): Record<string, number> {
  const cumulative = values.toSorted().reverse();
  for (let j = 1; j < cumulative.length; j++) cumulative[j]! += cumulative[j - 1]!;
  const whole = cumulative.at(-1)!;
  const needed = (share: number) => cumulative.findIndex((sum) => sum >= (share / 100) * whole) + 1;
  return Object.fromEntries(SHARES.map((share) => [share, needed(share)]));
}

/** Ratio (sum x)^2 / sum x^2: how many values share the sum. */
export function participationRatio(values: Float64Array): number {
  return sum(values) ** 2 / sum(values.map((value) => value * value));
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
