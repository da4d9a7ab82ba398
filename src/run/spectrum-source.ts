import { metricEpsilon } from '../checks/expected.js';
import type { StoredEigenbasis } from '../linalg/eigenbasis.js';
import type { Manifest } from '../output/manifest.js';
import type { SpectrumSource } from '../tables/spectrum.js';

/**
 * What the figures of a run's spectrum are taken from.
 * @param projected variances of the columns of the projections, or null where c of the metric tells them
 */
export function spectrumSource(
  { eigenvalues, covarianceEigenvalues }: StoredEigenbasis,
  metric: Pick<Manifest['metric'], 'source' | 'dtype' | 'ridge'>,
  projected: Float64Array | null,
): SpectrumSource {
  return {
    eigenvalues,
    covarianceEigenvalues,
    ridge: metric.ridge,
    epsilon: metric.source === 'computed' ? 0 : metricEpsilon(metric),
    projected,
  };
}
