import path from 'node:path';
import type { Checkpoint } from '../input/checkpoint.js';
import type { RecordedBias } from '../input/logit-bias.js';
import type { Metric } from '../input/metric.js';
import type { NormRecord } from '../input/norm/fold-source.js';
import type { ReadWeighting } from '../input/weighting/read-weighting.js';
import type { Backend } from '../linalg/backend/backend.js';
import { EIGENBASIS_NAME } from '../output/eigenbasis-file.js';
import { exportName, exportTargets } from '../output/exports.js';
import { LAYOUT_VERSION } from '../output/layout-version.js';
import { REPORT_NAME, TABLE_NAMES } from '../output/manifest.js';
import { METRIC_NAME } from '../output/metric-file.js';
import type { RunIdentity } from '../output/run-identity.js';
import type { PlanOfRun } from '../output/run-plan.js';
import { filesOf, type Plan } from '../plan/plan-run.js';
import { version } from '../version.js';
import type { Config } from './config.js';
import type { metricOfRun } from './identity.js';

/** The metric of a run. The matrix of a given one is freed when the basis has been computed. */
export type RunMetric = ReturnType<typeof metricOfRun<Metric>>;

/** What a plan is made of. */
export interface PlanInputs {
  config: Config;
  checkpoint: Checkpoint;
  /** The final norm that is folded into the rows; null where none is. */
  norm: NormRecord | null;
  logitBias: RecordedBias | null;
  /** How the rows are weighed; null where all are alike. */
  weighting: ReadWeighting | null;
  metric: RunMetric;
  /** What the run is made from; of the weights' hash nothing is taken. */
  identity: RunIdentity;
  /** What a user should know of the inputs. */
  notes: readonly string[];
  backend: Backend;
}

/**
 * Writes down what a run is to compute, for whoever takes part in it.
 *
 * @param place its directory, absolute, and ISO time of its first start
 */
export function planOfRun(
  { config, checkpoint, norm, logitBias, weighting, metric, identity, notes, backend }: PlanInputs,
  place: { directory: string; started: string },
): PlanOfRun {
  const { path: given, source, normalisation, model, origin } = checkpoint;
  return {
    format: 'eigenshard-plan',
    layout: LAYOUT_VERSION,
    version,
    started: place.started,
    identity: { ...identity, model: { ...identity.model, contentSha256: '' } },
    checkpoint: {
      path: path.resolve(given),
      source,
      normalisation,
      ...(norm === null ? {} : { norm }),
      ...(logitBias === null ? {} : { logitBias }),
      revision: model.revision,
      origin,
      notes: [...notes],
    },
    ...(weighting === null ? {} : { weights: weighting.record }),
    metric: metric.source === 'computed' ? metric : givenMetric(metric),
    exports: exportTargets(config.exports, place.directory).map((target) => ({
      ...target,
      path: exportName(place.directory, target.path),
    })),
    report: config.report,
    kernels: backend.identity,
    choice: backend.choice,
  };
}

function givenMetric({ file, tensor, dtype, sha256, ridge, asymmetry }: Metric) {
  return { source: 'file' as const, path: path.resolve(file), tensor, dtype, sha256, ridge, asymmetry };
}

/** Every file that a run of a plan writes, relative to its directory or absolute. */
export function filesOfPlan(
  { metric, identity, exports, report }: PlanOfRun,
  { partitions }: Plan,
  directory: string,
): string[] {
  return [
    EIGENBASIS_NAME,
    ...(metric.source === 'computed' ? [METRIC_NAME] : []),
    ...partitions.flatMap(filesOf),
    ...(identity.tables === null ? [] : [...Object.values(TABLE_NAMES), ...(report ? [REPORT_NAME] : [])]),
    ...exports.map((target) => exportName(directory, path.resolve(directory, target.path))),
  ];
}
