/** What the eigenvalues alone tell of a metric. */
export interface Spectrum {
  minimum: number;
  maximum: number;
  mean: number;
  /** Mean of the two middle values when their number is even. */
  median: number;
  trace: number;
  /** maximum / minimum */
  conditionNumber: number;
  /** ln det M = sum_j ln lambda_j */
  logDeterminant: number;
  /** (sum lambda)^2 / sum lambda^2: how many directions share the causal weight. */
  participationRatio: number;
  /** The same of the covariance's eigenvalues, a different number; null where the ridge is not known. */
  covarianceParticipationRatio: number | null;
  /** How far M is from the Euclidean metric: ||M - I||_F = sqrt(sum (lambda - 1)^2) and ||M - I||_2 = max |lambda - 1|. */
  identityDistance: { frobenius: number; spectral: number };
}

/** @param eigenvalues lambda, [d], ascending, positive; @param covariance c = 1 / lambda - rho, [d], or null */
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

function participationRatio(values: Float64Array): number {
  return sum(values) ** 2 / sum(values.map((value) => value * value));
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
