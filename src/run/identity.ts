import { createHash } from 'node:crypto';
import { InputError } from '../errors.js';
import type { Metric } from '../input/metric.js';
import type { NormRecord } from '../input/norm/fold-source.js';
import type { Normalisation } from '../input/normalisation.js';
import type { WeightingRecord } from '../input/weighting/read-weighting.js';
import { LAYOUT_VERSION } from '../output/layout-version.js';
import {
  type ComputedMetric,
  normIdentity,
  type RunIdentity,
  weightingIdentity,
} from '../output/run-identity.js';
import type { Plan } from '../plan/plan-run.js';
import { type Config, DEFAULT_RIDGE, ridgeOf } from './config.js';

/** What a run's identity needs of its metric; `ridge` is rho, null where a given metric does not say it. */
export type MetricIdentity = ComputedMetric | { source: 'file'; sha256: string; ridge: number | null };

/**
 * The metric of a run: the given one, with the ridge that file or option says, or the one that is computed.
 * @throws InputError where the metric file and the option contradict each other
 */
export function metricOfRun<Given extends Pick<Metric, 'file' | 'ridge'>>(
  config: Pick<Config, 'ridge' | 'secondMoment'>,
  given: Given | null,
): ComputedMetric | ({ source: 'file' } & Given) {
  const asked = ridgeOf(config);
  if (given === null) {
    const uncentred = config.secondMoment === 'uncentred' ? { secondMoment: config.secondMoment } : {};
    if (asked !== null && 'relative' in asked)
      return { source: 'computed', ridge: null, relativeRidge: asked.relative, ...uncentred };
    return { source: 'computed', ridge: asked?.absolute ?? DEFAULT_RIDGE, ...uncentred };
  }
  // A relative one is refused beside a given metric.
  const ridge = asked !== null && 'absolute' in asked ? asked.absolute : undefined;
  if (ridge !== undefined && given.ridge !== null && ridge !== given.ridge) {
    throw new InputError(
      `${given.file}: was made with the ridge ${given.ridge}, not ${ridge}; leave --ridge away, or correct it`,
    );
  }
  return { source: 'file', ...given, ridge: given.ridge ?? ridge ?? null };
}

/** What a run's identity needs of its weights. */
interface Content {
  name: string;
  dtype: string;
  normalisation: Normalisation | null;
  norm: NormRecord | null;
  /** How the rows are weighed; null where all are alike. */
  weighting: Pick<WeightingRecord, 'kind' | 'sha256'> | null;
  contentSha256: string;
}

/**
 * Everything that decides which files a run has and their bytes: inputs by their content, options, layout version. Where
 * things lie and how many workers run are not part of it.
 */
export function identityOfRun(
  config: Config,
  plan: Plan,
  { name, dtype, normalisation, norm, weighting, contentSha256 }: Content,
  metric: MetricIdentity,
): RunIdentity {
  return {
    layout: LAYOUT_VERSION,
    model: { name, contentSha256, rows: plan.rows, hidden: plan.hidden, dtype },
    rows: config.rows,
    // Runs from before there was a choice took the unembedding.
    ...(config.side === 'output' ? {} : { side: config.side }),
    // Runs from before there was a choice took the rows as they are stored.
    ...(normalisation === null ? {} : { normalisation }),
    ...(norm === null ? {} : { norm: normIdentity(norm) }),
    ...(weighting === null ? {} : { weights: weightingIdentity(weighting) }),
    metric:
      metric.source === 'computed'
        ? metric
        : { source: metric.source, sha256: metric.sha256, ridge: metric.ridge },
    format: config.format,
    partitionRows: plan.partitionRows,
    // No list has more tokens than there are.
    tables: config.tables === 'none' ? null : { top: Math.min(config.top, plan.rows) },
    exports: Object.keys(config.exports).sort(),
  };
}

/**
 * SHA-256 (hex) of what decides the data of a run. Tables and exports are made of the data and can be added to a finished
 * run: they are no part of it, so that a file says the same of its run whenever it was made.
 */
export function fingerprintOf({ tables: _, exports: __, ...data }: RunIdentity): string {
  return createHash('sha256').update(JSON.stringify(data)).digest('hex');
}
