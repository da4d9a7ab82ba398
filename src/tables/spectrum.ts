/** Figures of a metric that its eigenvalues alone tell. */
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
  /** Ratio (sum c)^2 / sum c^2, a different number; null where the ridge is not known. */
  covarianceParticipationRatio: number | null;
  /** Distance from the Euclidean metric: ||M - I||_F = sqrt(sum (lambda - 1)^2), ||M - I||_2 = max |lambda - 1|. */
  identityDistance: { frobenius: number; spectral: number };
}

/**
 * Sums up the eigenvalues of a metric.
 * @param eigenvalues lambda, [d], ascending, positive
 * @param covariance c = 1 / lambda - rho, [d], or null where the ridge is not known
 */
export function summariseSpectrum(eigenvalues: Float64Array, covariance: Float64Array | null): Spectrum {
  const d = eigenvalues.length;
  const minimum = eigenvalues[0]!;
  const maximum = eigenvalues[d - 1]!;
  const trace = sum(eigenvalues);
  return {
    minimum,
    maximum,
    mean: trace / d,
    median: (eigenvalues[(d - 1) >> 1]! + eigenvalues[d >> 1]!) / 2,
    trace,
    conditionNumber: maximum / minimum,
    logDeterminant: sum(eigenvalues.map(Math.log)),
    participationRatio: participationRatio(eigenvalues),
    covarianceParticipationRatio: covariance === null ? null : participationRatio(covariance),
    identityDistance: {
      frobenius: Math.sqrt(sum(eigenvalues.map((lambda) => (lambda - 1) ** 2))),
      spectral: Math.max(Math.abs(minimum - 1), Math.abs(maximum - 1)),
    },
  };
}

/** Shares of a whole, in percent, for which the number of directions that reach them is told. */
const SHARES = [50, 80, 90, 95, 99];

/** Figures of a spectrum, and the number of directions that hold most of it. */
export interface SpectralSummary extends Spectrum {
  /** Number of directions, largest c first, that hold 50, 80, ... % of trace C; null where c is not known. */
  directionsOfVariance: Record<string, number> | null;
  /** Number of directions, largest lambda first, that hold 50, 80, ... % of trace M: another curve. */
  directionsOfCausalWeight: Record<string, number>;
}

/**
 * Sums up the eigenvalues of a metric, with the number of directions that hold most of them.
 * @param lambda eigenvalues of M, [d], ascending
 * @param covariance c, [d], in the same order, or null where the ridge is not known
 */
export function spectralSummary(lambda: Float64Array, covariance: Float64Array | null): SpectralSummary {
  return {
    ...summariseSpectrum(lambda, covariance),
    directionsOfVariance: covariance === null ? null : directionsFor(covariance),
    directionsOfCausalWeight: directionsFor(lambda),
  };
}

function directionsFor(values: Float64Array): Record<string, number> {
  const cumulative = values.toSorted().reverse();
  for (let j = 1; j < cumulative.length; j++) cumulative[j]! += cumulative[j - 1]!;
  const whole = cumulative.at(-1)!;
  const needed = (share: number) => cumulative.findIndex((sum) => sum >= (share / 100) * whole) + 1;
  return Object.fromEntries(SHARES.map((share) => [share, needed(share)]));
}

function participationRatio(values: Float64Array): number {
  return sum(values) ** 2 / sum(values.map((value) => value * value));
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
