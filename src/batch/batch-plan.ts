import { existsSync } from 'node:fs';
import path from 'node:path';
import pLimit from 'p-limit';
import { EigenshardError, InputError } from '../errors.js';
import type { RowSource } from '../input/checkpoint.js';
import type { ModelPlan } from '../input/model-plan.js';
import type { Normalisation } from '../input/normalisation.js';
import { type ModelOptions, planModel } from '../input/plan-model.js';
import type { BackendIdentity } from '../linalg/backend/backend.js';
import { readJournal } from '../output/journal.js';
import { MANIFEST_NAME, type Manifest, readManifest } from '../output/manifest.js';
import { type Plan, planRun } from '../plan/plan-run.js';
import type { Config } from '../run/config.js';
import { isGenerated, planGenerated } from '../run/generate-checkpoint.js';
import { fingerprintOfRun, type MetricIdentity, metricOfRun } from '../run/identity.js';
import { type PlannedFile, planRunFiles } from '../run/planned-files.js';
import {
  type BatchConfig,
  type BatchRunOptions,
  configOfRun,
  placeOfRun,
  SUMMARY_NAME,
} from './batch-config.js';
import { MetricCatalogue } from './metric-catalogue.js';
import { peakMemoryBytes } from './peak-memory.js';
import { runFolder } from './run-folder.js';

/** Models resolved at once: enough to hide a hub's latency, few enough for it. */
const CONCURRENCY = 8;

/** A run whose model has been found, and what it needs, before anything is computed. */
export interface PlannedRun {
  /** Of the configuration's `runs`, from 0. */
  index: number;
  /** What the model is called. */
  name: string;
  config: Config & { out: string };
  shape: Pick<RowSource, 'rows' | 'columns' | 'dtype'>;
  state: RunState;
  bytesToDownload: number;
  /** The file that the download makes; null where there is none. */
  downloadTarget: string | null;
  /** What is still to be written: files of the run, and a made-up checkpoint. */
  files: PlannedFile[];
  /** About. */
  memoryBytes: number;
  /** Brings the checkpoint here; null where the run itself makes it. */
  fetch: ModelPlan['fetch'] | null;
}

export interface FindOptions extends Pick<ModelOptions, 'hub' | 'note'> {
  /** How models are found; another way in tests. */
  find?: typeof planModel;
}

/** What lies in a run's folder. */
export type RunState =
  | { is: 'new' }
  | { is: 'unfinished'; kernels: BackendIdentity }
  /** `isCertain`: the weights cannot have changed since; otherwise a scan must show it. */
  | { is: 'finished'; manifest: Manifest; isCertain: boolean };

/** A run that cannot begin: its model or metric is not there, or not usable. */
export interface RefusedRun {
  index: number;
  name: string;
  problem: EigenshardError;
}

export interface BatchPlan {
  config: BatchConfig;
  /** Absolute. */
  directory: string;
  /** In the order of the configuration. */
  runs: (PlannedRun | RefusedRun)[];
}

export function isPlanned(run: PlannedRun | RefusedRun): run is PlannedRun {
  return !('problem' in run);
}

/**
 * Finds the model of every run and plans it. Nothing is written, and of the weights only headers are read. A run whose
 * model or metric cannot be used is one that the others do not depend on: it is planned as refused.
 *
 * @throws InputError where two runs would write the same file, or one where the batch's summary will go
 */
export async function planBatch(
  config: BatchConfig,
  { hub, note, find = planModel }: FindOptions,
): Promise<BatchPlan> {
  const metrics = new MetricCatalogue();
  const runs = await pLimit(CONCURRENCY).map(config.runs, async (options, index) => {
    try {
      return await planOne(config, index, options, metrics, (model, asked) =>
        find(model, { hub, note, ...asked }),
      );
    } catch (error) {
      if (!(error instanceof EigenshardError)) throw error;
      const subject = options.synthetic === undefined ? options.model : options.synthetic.directory;
      const name = options.name ?? subject;
      return { index, name, problem: error };
    }
  });
  refuseSharedFiles(config, runs);
  return { config, directory: path.resolve(config.out), runs };
}

async function planOne(
  batch: BatchConfig,
  index: number,
  options: BatchRunOptions,
  metrics: MetricCatalogue,
  find: Find,
): Promise<PlannedRun> {
  const model = await findModel(options, find);
  const { normalisation } = model;
  const { columns, dtype } = model.shape;
  const name = options.name ?? model.name;
  const { format, partitionRows } = options;
  const out = path.join(batch.out, runFolder(name, model.revision, options));
  const rows = model.shape.isFinal ? model.shape.rows : (recordedRows(out) ?? model.shape.rows);
  const plan = planRun({ rows, hidden: columns, partitionRows, format });
  // The planned name is the run's, on which its fingerprint and the lengths of its files depend.
  const config = { ...configOfRun(batch, options, out), name, out };
  const given = config.metric === undefined ? null : await metrics.read(config.metric, columns);
  const metric = metricOfRun(config, given);
  // What is here is scanned; what is not has the weights of its commit.
  const isPinned = model.revision !== null && model.bytesToDownload > 0;
  const state = stateOf(config, plan, { name, dtype, normalisation }, metric, isPinned);
  const files =
    state.is === 'finished' ? [] : await planRunFiles(config, { plan, name, ridge: metric.ridge });
  const isFetched = !(state.is === 'finished' && state.isCertain);
  return {
    index,
    name,
    config,
    shape: { rows, columns, dtype },
    state,
    bytesToDownload: isFetched ? model.bytesToDownload : 0,
    downloadTarget: model.downloadTarget ?? null,
    files: [...model.files, ...files],
    memoryBytes: peakMemoryBytes(plan, {
      dtype,
      workers: batch.workers,
      computesMetric: metric.source === 'computed',
    }),
    fetch: model.fetch,
  };
}

type Find = (model: string, asked: Pick<ModelOptions, 'tensor' | 'rows' | 'headRows'>) => Promise<ModelPlan>;

/** V of the finished run in a folder, which stands in for what only the tokenizer could tell. */
function recordedRows(out: string): number | null {
  return existsSync(path.join(out, MANIFEST_NAME)) ? readManifest(out).model.rows : null;
}

/** The same of a model on disk, of one on a hub, and of one that is yet to be made. */
interface FoundModel extends Omit<ModelPlan, 'model' | 'fetch' | 'reason' | 'notes'> {
  name: string;
  revision: string | null;
  fetch: ModelPlan['fetch'] | null;
  /** Of a checkpoint that is yet to be made. */
  files: PlannedFile[];
}

async function findModel(options: BatchRunOptions, find: Find): Promise<FoundModel> {
  if (options.synthetic !== undefined) {
    const { directory, ...recipe } = options.synthetic;
    const { shape, file } = planGenerated(directory, recipe);
    const files = (await isGenerated(directory, recipe)) ? [] : [file];
    const name = path.basename(path.resolve(directory));
    return {
      name,
      revision: null,
      shape: { ...shape, isFinal: true },
      bytesToDownload: 0,
      normalisation: null,
      fetch: null,
      files,
    };
  }
  const { tensor, rows, headRows } = options;
  const { model: found, ...plan } = await find(options.model, { tensor, rows, headRows });
  return { ...plan, name: found.name, revision: found.revision, files: [] };
}

/**
 * What lies in a run's folder. A finished run is recognised by its fingerprint, made of today's options and metric
 * and of the weights' hash that it recorded.
 * @param isPinned the weights are not here, but those of a commit, which cannot change
 */
function stateOf(
  config: Config & { out: string },
  plan: Plan,
  model: { name: string; dtype: string; normalisation: Normalisation | null },
  metric: MetricIdentity,
  isPinned: boolean,
): RunState {
  if (existsSync(path.join(config.out, MANIFEST_NAME))) {
    const manifest = readManifest(config.out);
    const { contentSha256 } = manifest.model;
    const fingerprint = fingerprintOfRun(config, plan, { ...model, contentSha256 }, metric);
    if (fingerprint === manifest.fingerprint) return { is: 'finished', manifest, isCertain: isPinned };
    throw new InputError(
      `${config.out}: holds a finished run of other inputs (fingerprint ${manifest.fingerprint.slice(0, 12)}); ` +
        'if it is no longer wanted, remove that folder and run the batch again',
    );
  }
  const journal = readJournal(config.out);
  return journal === null ? { is: 'new' } : { is: 'unfinished', kernels: journal.header.kernels };
}

/** @throws InputError where two runs would write the same file, as two equal runs would, or one the summary */
function refuseSharedFiles({ file, out }: BatchConfig, runs: BatchPlan['runs']): void {
  const owners = new Map<string, string>([[path.resolve(out, SUMMARY_NAME), 'the summary of the batch']]);
  for (const run of runs) {
    if (!isPlanned(run)) continue;
    const written = [run.config.out, ...exportPaths(run.config)].map((place) => path.resolve(place));
    for (const place of new Set(written)) {
      const other = owners.get(place);
      if (other !== undefined) {
        throw new InputError(
          `${placeOfRun(file, run.index)} (${run.name}): writes to ${place}, as ${other} does; ` +
            'remove one of the two, or give its exports paths of their own',
        );
      }
      owners.set(place, `runs[${run.index}]`);
    }
  }
}

/** The paths that a configuration gives exports itself. */
function exportPaths({ exports: { pt, safetensors, npy } }: Config): string[] {
  return [pt, safetensors, npy].flatMap((given) =>
    given === undefined || given === true ? [] : Object.values(given),
  );
}
