import type { NormErrors } from './contents.js';

const BINS_A_DECADE = 10;

/** Counts errors in bins of a tenth of a power of ten, from the smallest to the largest that is not 0. */
export function normErrorHistogram(errors: Float64Array): NormErrors {
  const binOf = (error: number) => Math.floor(Math.log10(error) * BINS_A_DECADE);
  const bins = Array.from(
    errors.filter((error) => error > 0),
    binOf,
  );
  const first = bins.reduce((least, bin) => Math.min(least, bin), Number.POSITIVE_INFINITY);
  const last = bins.reduce((most, bin) => Math.max(most, bin), Number.NEGATIVE_INFINITY);
  const length = bins.length === 0 ? 0 : last - first + 1;
  const counts = new Array<number>(length).fill(0);
  for (const bin of bins) counts[bin - first]!++;
  return {
    edges: length === 0 ? [] : Array.from({ length: length + 1 }, (_, k) => (first + k) / BINS_A_DECADE),
    counts,
    zeros: errors.reduce((sum, error) => sum + (error === 0 ? 1 : 0), 0),
    maximum: errors.reduce((most, error) => Math.max(most, error), 0),
  };
}
