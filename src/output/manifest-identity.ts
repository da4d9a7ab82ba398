import type { Manifest } from './manifest.js';
import { type ComputedMetric, normIdentity, type RunIdentity, weightingIdentity } from './run-identity.js';

/** The identity of a finished run, which its manifest tells whole. */
export function identityOfManifest({
  layout,
  model,
  weights,
  metric,
  options,
  tables,
}: Manifest): RunIdentity {
  const { name, contentSha256, rows, hidden, dtype } = model;
  return {
    layout,
    model: { name, contentSha256, rows, hidden, dtype },
    rows: options.rows,
    ...(options.side === 'output' ? {} : { side: options.side }),
    ...(model.normalisation === null ? {} : { normalisation: model.normalisation }),
    ...(model.norm === null ? {} : { norm: normIdentity(model.norm) }),
    ...(weights === null ? {} : { weights: weightingIdentity(weights) }),
    metric:
      metric.source === 'computed'
        ? computedMetric(metric)
        : { source: metric.source, sha256: metric.sha256, ridge: metric.ridge },
    format: options.format,
    partitionRows: options.partitionRows,
    tables: tables === null ? null : { top: tables.top },
    exports: options.exports,
  };
}

function computedMetric({
  source,
  ridge,
  relativeRidge,
  secondMoment,
}: Extract<Manifest['metric'], { source: 'computed' }>): ComputedMetric {
  return {
    source,
    ...(relativeRidge === null ? { ridge } : { ridge: null, relativeRidge }),
    ...(secondMoment === 'centred' ? {} : { secondMoment }),
  };
}
