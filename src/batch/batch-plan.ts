import { existsSync } from 'node:fs';
import path from 'node:path';
import pLimit from 'p-limit';
import { EigenshardError, InputError } from '../errors.js';
import { isInShare, type Share } from '../executor/array-index.js';
import { refuseOccupied } from '../files/make-directory.js';
import type { FinalNorm, RowSource } from '../input/checkpoint.js';
import type { ModelPlan } from '../input/model-plan.js';
import type { NormRecord } from '../input/norm/fold-source.js';
import type { Normalisation } from '../input/normalisation.js';
import { type ModelOptions, planModel } from '../input/plan-model.js';
import type { BackendIdentity } from '../linalg/backend/backend.js';
import { type Manifest, readManifest } from '../output/manifest.js';
import { identityOfManifest } from '../output/manifest-identity.js';
import { MANIFEST_NAME } from '../output/run-folders.js';
import { dataDifferences, refuseLacking } from '../output/run-identity.js';
import { readPlan } from '../output/run-plan.js';
import { directoryStore } from '../output/run-store.js';
import { type Plan, planRun } from '../plan/plan-run.js';
import type { Weighting } from '../plan/weighting.js';
import { type Config, weightingOf } from '../run/config.js';
import { type FindModel, findModel } from '../run/find-model.js';
import { fingerprintOf, identityOfRun, type MetricIdentity, metricOfRun } from '../run/identity.js';
import { peakMemoryBytes, refuseBeyondMemory } from '../run/peak-memory.js';
import { type PlannedFile, planRunFiles } from '../run/planned-files.js';
import {
  type BatchConfig,
  type BatchRunOptions,
  configOfRun,
  runLabel,
  SUMMARY_NAME,
} from './batch-config.js';
import { MetricCatalogue } from './metric-catalogue.js';
import { runFolder, runKey } from './run-folder.js';
import { recordFile } from './run-record.js';

/** Models found at once: enough to hide a hub's latency, few enough for it. */
const CONCURRENCY = 8;

/** Run whose model has been found, and what it needs, before anything is computed. */
export interface PlannedRun {
  /** Index among the configuration's `runs`, from 0. */
  index: number;
  /** Name of the model. */
  name: string;
  config: Config & { out: string };
  shape: Pick<RowSource, 'rows' | 'columns' | 'dtype'>;
  state: RunState;
  bytesToDownload: number;
  /** File that the download makes; null where there is none. */
  downloadTarget: string | null;
  /** Files still to be written: those of the run, and a made-up checkpoint. */
  files: PlannedFile[];
  /** Memory that the run needs, about. */
  memoryBytes: number;
  /** Brings the checkpoint here; null where the run itself makes it. */
  fetch: ModelPlan['fetch'] | null;
}

/** Options of `planBatch`: the hub, who hears of what is slow, and which of the runs are meant. */
export interface FindOptions extends Pick<ModelOptions, 'hub' | 'note'> {
  /** The runs that this process computes; all of them where nothing is said. */
  share?: Share | null;
  /** Way to find a model, which tests replace. */
  find?: typeof planModel;
}

/** State of a run's folder. */
export type RunState =
  | { is: 'new' }
  | { is: 'unfinished'; backend: BackendIdentity }
  /** `isCertain`: the weights cannot have changed since; otherwise a scan must show it. */
  | { is: 'finished'; manifest: Manifest; isCertain: boolean };

/** Run that cannot begin: its model or metric is not there, or not usable. */
export interface RefusedRun {
  index: number;
  name: string;
  problem: EigenshardError;
}

/** Run that another process takes up, of which this one knows what lies on disk. */
export interface OtherRun {
  index: number;
  name: string;
  /** Folder of the run, below the batch's; null where nobody has found its model yet. */
  folder: string | null;
}

/** Run of a batch, in whichever way this process knows it. */
export type RunOfBatch = PlannedRun | RefusedRun | OtherRun;

/** Plan of a batch: what every run that this process computes is and needs. */
export interface BatchPlan {
  config: BatchConfig;
  /** Directory of the batch, absolute. */
  directory: string;
  /** The share of the runs; null where it is all of them. */
  share: Share | null;
  /** Runs of the share, in the order of the configuration. */
  runs: (PlannedRun | RefusedRun)[];
}

/** Whether a run is this process's and can begin. */
export function isPlanned(run: RunOfBatch): run is PlannedRun {
  return 'config' in run;
}

/** Folder of a run, below the batch's; null where its model was not found. */
export function folderOf(run: RunOfBatch): string | null {
  if (isPlanned(run)) return path.basename(run.config.out);
  return 'folder' in run ? run.folder : null;
}

/**
 * Finds the model of every run of the share and plans it. Nothing is written, and of the weights only headers are read:
 * others may be computing meanwhile. A run whose model or metric cannot be used is one that the others do not depend
 * on: it is planned as refused.
 *
 * @throws InputError where two runs would write the same file, or one where the batch's summary will go, or where the
 *   batch's folder cannot be made
 */
export async function planBatch(
  config: BatchConfig,
  { hub, note, share = null, find = planModel }: FindOptions,
): Promise<BatchPlan> {
  refuseOccupied(path.resolve(config.out));
  const sources: Sources = {
    metrics: new MetricCatalogue(),
    find: (model, asked) => find(model, { hub, note, ...asked }),
  };
  const indices = [...config.runs.keys()].filter((index) => share === null || isInShare(share, index));
  const runs = await pLimit(CONCURRENCY).map(indices, async (index) => {
    const options = config.runs[index]!;
    try {
      return await planOne(config, index, options, sources);
    } catch (error) {
      if (!(error instanceof EigenshardError)) throw error;
      return { index, name: assumedName(options), problem: error };
    }
  });
  refuseSharedFiles(config, runs);
  return { config, directory: path.resolve(config.out), share, runs };
}

/** What a run is called whose model was not found, or not looked for. */
export function assumedName({ name, synthetic, model }: BatchRunOptions): string {
  return name ?? (synthetic === undefined ? model : path.basename(path.resolve(synthetic.directory)));
}

/** Sources of what the runs are made from. */
interface Sources {
  metrics: MetricCatalogue;
  find: FindModel;
}

async function planOne(
  batch: BatchConfig,
  index: number,
  options: BatchRunOptions,
  { metrics, find }: Sources,
): Promise<PlannedRun> {
  const model = await findModel(options, find);
  const { normalisation, finalNorm } = model;
  const { columns, dtype } = model.shape;
  const name = options.name ?? model.name;
  refuseBeyondMemory(name, model.shape);
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
  const state = stateOf(config, plan, { name, dtype, normalisation, finalNorm, isPinned }, metric);
  const files =
    state.is === 'finished' ? [] : await planRunFiles(config, { plan, name, ridge: metric.ridge });
  const isFetched = !(state.is === 'finished' && state.isCertain);
  const computesMetric = metric.source === 'computed';
  return {
    index,
    name,
    config,
    shape: { rows, columns, dtype },
    state,
    bytesToDownload: isFetched ? model.bytesToDownload : 0,
    downloadTarget: model.downloadTarget ?? null,
    files: [...model.files, ...files],
    memoryBytes: peakMemoryBytes(plan, { dtype, workers: batch.workers, computesMetric }),
    fetch: model.fetch,
  };
}

/** Rows V of the finished run in a folder, which stand in for what only the tokenizer could tell. */
function recordedRows(out: string): number | null {
  return existsSync(path.join(out, MANIFEST_NAME)) ? readManifest(out).model.rows : null;
}

/** A norm of which nothing was recorded, and nothing has been read. */
function unread({ rule, weight: { tensor, dtype } }: FinalNorm): NormRecord {
  return { rule, tensor, dtype, sha256: '', bias: null };
}

/** The content by which a finished run has weighed its rows, if in this way. */
function sha256Of({ weights }: Manifest, kind: Weighting['kind']): string | null {
  if (weights?.kind === kind) return weights.sha256;
  return kind === 'unique' ? null : '';
}

/**
 * State of a run's folder. A finished run is recognised by its fingerprint, made of today's options and metric and of
 * the weights' hash that it recorded.
 * @param model its `isPinned`: the weights are not here, but those of a commit, which cannot change
 */
function stateOf(
  config: Config & { out: string },
  plan: Plan,
  {
    isPinned,
    finalNorm,
    ...model
  }: {
    name: string;
    dtype: string;
    normalisation: Normalisation | null;
    finalNorm: FinalNorm | null;
    isPinned: boolean;
  },
  metric: MetricIdentity,
): RunState {
  if (existsSync(path.join(config.out, MANIFEST_NAME))) {
    const manifest = readManifest(config.out);
    const { contentSha256, norm: recorded } = manifest.model;
    // Of the norm too, the content is what was recorded, until it is read.
    const norm = finalNorm === null ? null : { ...(recorded ?? unread(finalNorm)), rule: finalNorm.rule };
    const asked = weightingOf(config);
    // And of what the rows are weighed by, which the run reads again.
    const weighting = asked === null ? null : { kind: asked.kind, sha256: sha256Of(manifest, asked.kind) };
    const identity = identityOfRun(config, plan, { ...model, norm, weighting, contentSha256 }, metric);
    if (fingerprintOf(identity) === manifest.fingerprint) {
      refuseLacking(config.out, identityOfManifest(manifest), identity);
      return { is: 'finished', manifest, isCertain: isPinned && (asked === null || asked.path === null) };
    }
    throw new InputError(
      `${config.out}: holds a finished run of other inputs (fingerprint ${manifest.fingerprint.slice(0, 12)}): ` +
        `${dataDifferences(identityOfManifest(manifest), identity).join(', ')} (there -> here); ` +
        'if it is no longer wanted, remove that folder and run the batch again',
    );
  }
  const begun = readPlan(directoryStore(config.out, { durable: false, lock: null }), config.out);
  return begun === null ? { is: 'new' } : { is: 'unfinished', backend: begun.kernels };
}

/**
 * Refuses runs that would write one file, as two equal ones would, or the summary. Of a run that another process plans,
 * only the paths that its exports are given are known, and what its options are.
 *
 * @throws InputError that names both
 */
function refuseSharedFiles({ file, out, runs: all }: BatchConfig, runs: BatchPlan['runs']): void {
  const owners = new Map<string, string>([[path.resolve(out, SUMMARY_NAME), 'the summary of the batch']]);
  const known = new Map(runs.map((run) => [run.index, run]));
  for (const [index, options] of all.entries()) {
    const run = known.get(index);
    if (run !== undefined && !isPlanned(run)) continue;
    const name = run?.name ?? assumedName(options);
    const written = [
      ...(run === undefined ? [] : [run.config.out]),
      recordFile(out, runKey(options)),
      ...exportPaths(options),
    ].map((target) => path.resolve(target));
    for (const target of new Set(written)) {
      const other = owners.get(target);
      if (other !== undefined) {
        throw new InputError(
          `${runLabel(file, index)} (${name}): writes to ${target}, as ${other} does; ` +
            'remove one of the two, or give its exports paths of their own',
        );
      }
      owners.set(target, `runs[${index}]`);
    }
  }
}

/** Paths that options give exports themselves. */
function exportPaths({ exports: { pt, safetensors, npy } }: Pick<BatchRunOptions, 'exports'>): string[] {
  return [pt, safetensors, npy].flatMap((given) =>
    given === undefined || given === true ? [] : Object.values(given),
  );
}
