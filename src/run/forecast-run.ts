import { existsSync } from 'node:fs';
import path from 'node:path';
import { refuseOccupied } from '../files/make-directory.js';
import { readable } from '../files/readable.js';
import type { FinalNorm } from '../input/checkpoint.js';
import { type MetricHeader, readMetricHeader } from '../input/metric.js';
import { planModel } from '../input/plan-model.js';
import { refuseUnusable } from '../input/weighting/read-weighting.js';
import type { BackendIdentity } from '../linalg/backend/backend.js';
import { chooseBackend } from '../linalg/backend/choose-backend.js';
import { exportName, exportTargets } from '../output/exports.js';
import { type Manifest, REPORT_NAME, readManifest, TABLE_NAMES } from '../output/manifest.js';
import { manifestFiles } from '../output/manifest-files.js';
import { MANIFEST_NAME } from '../output/run-folders.js';
import type { ComputedMetric } from '../output/run-identity.js';
import { readRecords, readRecordsFile } from '../output/run-records.js';
import { directoryStore } from '../output/run-store.js';
import { filesOf, planRun } from '../plan/plan-run.js';
import { needsOf, partsOf } from './admit-run.js';
import { type Config, weightingOf } from './config.js';
import type { RunContext } from './context.js';
import type { DiskNeed } from './disk-space.js';
import { estimateTime } from './estimate-time.js';
import { findModel } from './find-model.js';
import { metricOfRun } from './identity.js';
import { measureRates } from './measure-rates.js';
import { outputPath } from './output-path.js';
import { peakMemoryBytes, refuseBeyondMemory } from './peak-memory.js';
import { type PlannedFile, planRunFiles } from './planned-files.js';
import { passesOfWeighting } from './weigh-rows.js';

/** What a run would do and need, without anything of it being done. Sizes are in bytes, times in seconds. */
export interface RunForecast {
  /** Output directory, absolute. */
  directory: string;
  /** What lies there; of an unfinished run, how many of its partitions are recorded as done. */
  state: { is: 'new' } | { is: 'unfinished'; partitionsDone: number } | { is: 'finished' };
  model: {
    name: string;
    /** Commit, of a hub's model. */
    revision: string | null;
    tensor: string | null;
    rows: number;
    hidden: number;
    dtype: string;
    /** The final norm that the run folds into the rows; null where none. */
    norm: (Pick<FinalNorm, 'rule' | 'by'> & { tensor: string }) | null;
    /** Still to be downloaded, where the model is on the hub. */
    bytesToDownload: number;
    /** What the user should know of the matrix: one that is tied, rows beyond the vocabulary. */
    notes: readonly string[];
  };
  metric: ComputedMetric | ({ source: 'file' } & MetricHeader);
  /** How the rows are weighed, as it was asked for: 'uniform', 'counts=FILE', ... */
  weights: string;
  partitions: { count: number; rows: number; format: Config['format']; bytes: number };
  exports: { path: string; bytes: number }[];
  /** With the most that they may take; null where there are to be none. */
  tables: { top: number; bytes: number; reportBytes: number } | null;
  /** All files, tables and report with the most that they may take. */
  bytes: number;
  /** What is still to be written, beside what is free. */
  disks: DiskNeed[];
  /** The most that the run should need, about. */
  memoryBytes: number;
  backend: BackendIdentity;
  workers: number;
  /** An estimate from a short measurement on this machine; without the download, whose pace nobody knows. */
  time: { stages: Record<string, number>; seconds: number; measuredSeconds: number };
}

/**
 * Says what a run would do and need. Nothing is written into the output directory, of the weights nothing is read but
 * headers, and the pace of the machine is measured for a moment.
 *
 * @param flags `overwrite`: a run that lies there is removed before
 * @throws InputError where model or metric cannot be used
 */
export async function forecastRun(
  config: Config,
  flags: { overwrite: boolean },
  context: RunContext,
): Promise<RunForecast> {
  const directory = path.resolve(outputPath(config));
  refuseOccupied(directory);
  const { hub, note, signal, executor, stopwatch } = context;
  // Of this process, as of the run's.
  const { 'start-up': ofProcess = 0 } = stopwatch.report().seconds;
  const found = await findModel(config, (model, asked) => planModel(model, { ...asked, hub, note, signal }));
  refuseBeyondMemory(found.name, found.shape);
  const { rows, columns: hidden, dtype, tensor } = found.shape;
  const { format, tables, top } = config;
  const { finalNorm } = found;
  const given =
    config.metric === undefined ? null : await readMetricHeader(config.metric, { hiddenSize: hidden });
  const metric = metricOfRun(config, given);
  const weighting = weightingOf(config);
  if (weighting !== null) await refuseUnusable(weighting, hidden);
  const computesMetric = metric.source === 'computed';
  const plan = planRun({ rows, hidden, partitionRows: config.partitionRows, format });
  const name = config.name ?? found.name;
  const files = await planRunFiles({ ...config, out: directory }, { plan, name, ridge: metric.ridge });
  const bytesOf = bytesByName(directory, files);

  const former = flags.overwrite ? readable(() => readManifest(directory)) : null;
  const destination = { path: directory, filesToRemove: () => filesOfRun(directory, former) };
  const parts = partsOf({ ...config, out: directory }, plan, found.shape);
  const disks = await needsOf(found, destination, [...files, parts]);
  const targets = exportTargets(config.exports, directory);
  const exports = targets.map((target) => {
    const shown = exportName(directory, target.path);
    return { path: shown, bytes: bytesOf([shown]) };
  });
  const partitionBytes = bytesOf(plan.partitions.flatMap(filesOf));
  const exportBytes = exports.reduce((sum, { bytes }) => sum + bytes, 0);
  const tableBytes = bytesOf(Object.values(TABLE_NAMES));
  const reportBytes = bytesOf([REPORT_NAME]);

  const backend = await chooseBackend({ backend: config.backend, blas: config.blas }, note);
  const projections = targets.filter(({ holds }) => holds === 'projections').length;
  const listed = tables === 'none' ? null : Math.min(top, rows);
  const shape = { hidden, dtype, format, top: listed, exports: projections };
  const rates = await measureRates(shape, { rows, computesMetric }, backend, executor);
  const workload = {
    workers: executor.concurrency,
    computesMetric,
    weightPasses: weighting === null ? 0 : passesOfWeighting(weighting),
    dataBytes: partitionBytes + exportBytes,
    tableBytes,
    reportBytes,
  };
  const stages = estimateTime(plan, { ...rates, startUp: ofProcess + rates.startUp }, workload);
  return {
    directory,
    state: stateOf(directory),
    model: {
      name,
      revision: found.revision,
      tensor,
      rows,
      hidden,
      dtype,
      norm:
        finalNorm === null
          ? null
          : { rule: finalNorm.rule, by: finalNorm.by, tensor: finalNorm.weight.tensor },
      bytesToDownload: found.bytesToDownload,
      notes: found.notes,
    },
    metric,
    weights: config.weights,
    partitions: {
      count: plan.partitions.length,
      rows: plan.partitionRows,
      format,
      bytes: partitionBytes,
    },
    exports,
    tables: listed === null ? null : { top: listed, bytes: tableBytes, reportBytes },
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    disks,
    memoryBytes: peakMemoryBytes(plan, { dtype, workers: executor.concurrency, computesMetric }),
    backend: backend.identity,
    workers: executor.concurrency,
    time: {
      stages,
      seconds: Object.values(stages).reduce((sum, seconds) => sum + seconds, 0),
      measuredSeconds: rates.measuredSeconds,
    },
  };
}

/** What lies in the output directory. */
function stateOf(directory: string): RunForecast['state'] {
  if (existsSync(path.join(directory, MANIFEST_NAME))) return { is: 'finished' };
  const store = directoryStore(directory, { durable: false, lock: null });
  const recorded = readRecords(store, directory) ?? readRecordsFile(directory);
  if (recorded === null) return { is: 'new' };
  return {
    is: 'unfinished',
    partitionsDone: recorded.records.filter(({ stage }) => stage === 'project').length,
  };
}

/** Sums the bytes of files by their names in the directory. */
function bytesByName(directory: string, files: readonly PlannedFile[]): (names: readonly string[]) => number {
  const known = new Map(files.map((file) => [exportName(directory, file.path), file.bytes]));
  return (names) => names.reduce((sum, file) => sum + (known.get(file) ?? 0), 0);
}

/** Absolute paths of the files of a former run. */
function filesOfRun(directory: string, former: Manifest | null): string[] {
  return former === null ? [] : manifestFiles(former).map((file) => path.resolve(directory, file.path));
}
