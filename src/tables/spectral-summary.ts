import { type Spectrum, summariseSpectrum } from './spectrum.js';

/** Shares of a whole, in percent, for which the number of directions that reach them is told. */
const SHARES = [50, 80, 90, 95, 99];

/** Everything that the eigenvalues alone tell. */
export interface SpectralSummary extends Spectrum {
  /** How many directions, largest c first, hold 50, 80, ... % of trace C; null where c is not known. */
  directionsOfVariance: Record<string, number> | null;
  /** How many directions, largest lambda first, hold 50, 80, ... % of trace M: another curve. */
  directionsOfCausalWeight: Record<string, number>;
}

/** @param lambda eigenvalues of M, [d], ascending; @param covariance c, [d], in the same order, or null */
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
