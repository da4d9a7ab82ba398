import path from 'node:path';
import { createdBy } from '../version.js';
import { EIGENBASIS_NAME } from './eigenbasis-file.js';
import { type ExportIdentity, type ExportTarget, exportName } from './exports.js';
import type { Manifest } from './manifest.js';
import { METRIC_NAME } from './metric-file.js';

/** What is known of a run that exports say something of. */
interface ExportedRun {
  /** Output directory, absolute. */
  directory: string;
  /** What the model is called. */
  name: string;
  /** V and d. */
  rows: number;
  hidden: number;
  /** Path of the metric; null where the run computes it. */
  givenMetric: string | null;
  fingerprint: string;
  /** ISO time of the run's first start. */
  started: string;
}

/**
 * What the exports of a run say of it. All of that stands in the manifest, and nothing depends on the working directory:
 * an export that is made again, or later, has the same bytes.
 *
 * @param targets all exports of the run
 */
export function exportIdentity(
  targets: readonly ExportTarget[],
  { directory, name, rows, hidden, givenMetric, fingerprint, started }: ExportedRun,
): ExportIdentity {
  const eigenbasis = targets.find(({ holds }) => holds === 'eigenbasis');
  return {
    model: name,
    rows,
    hidden,
    metric: givenMetric === null ? METRIC_NAME : path.resolve(givenMetric),
    isMetricGiven: givenMetric !== null,
    eigenbasis: eigenbasis === undefined ? EIGENBASIS_NAME : exportName(directory, eigenbasis.path),
    fingerprint,
    date: started.slice(0, 10),
    createdBy,
  };
}

/**
 * What all exports of a finished run say of it.
 *
 * @param targets those that are to be made
 */
export function recordedExportIdentity(
  directory: string,
  { model, metric, fingerprint, execution, exports }: Manifest,
  targets: readonly ExportTarget[],
): ExportIdentity {
  const recorded = exports.map((file) => ({ ...file, path: path.resolve(directory, file.path) }));
  return exportIdentity([...recorded, ...targets], {
    directory,
    name: model.name,
    rows: model.rows,
    hidden: model.hidden,
    givenMetric: metric.source === 'computed' ? null : metric.path,
    fingerprint,
    started: execution.started,
  });
}
