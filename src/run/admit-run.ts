import path from 'node:path';
import { readMetricHeader } from '../input/metric.js';
import { refuseUnusable } from '../input/weighting/read-weighting.js';
import { PARTS_FOLDER } from '../output/part-file.js';
import { type Plan, planRun } from '../plan/plan-run.js';
import { type Config, weightingOf } from './config.js';
import { type DiskNeed, diskNeedsOf, type FreeSpace, refuseFullDisk } from './disk-space.js';
import type { FoundModel } from './find-model.js';
import { metricOfRun } from './identity.js';
import { refuseBeyondMemory } from './peak-memory.js';
import { type PlannedFile, planRunFiles } from './planned-files.js';
import { allPartBytes } from './stage-needs.js';

/** A model that has been found, and is neither here yet nor read. */
export type Candidate = Pick<FoundModel, 'name' | 'shape' | 'bytesToDownload' | 'downloadTarget' | 'files'>;

/** The output directory, as far as admission asks it. */
interface Destination {
  /** Absolute. */
  path: string;
  /** Whether it holds a finished run, of which at most some files are made again. */
  isFinished: boolean;
  filesToRemove(): string[];
}

/**
 * Refuses a run before its model is downloaded or read, and before anything is written: where its rows are too long
 * for any memory, where the metric is not there or not of this model's size, and where the disk cannot take what is still
 * to be written.
 *
 * @param freeSpaceAt asks the system; another answer in tests
 * @throws InputError
 */
export async function admitRun(
  config: Config,
  candidate: Candidate,
  destination: Destination,
  freeSpaceAt?: (folder: string) => Promise<FreeSpace>,
): Promise<void> {
  refuseBeyondMemory(candidate.name, candidate.shape);
  const files = await filesOfRun({ ...config, out: destination.path }, candidate);
  if (destination.isFinished) return;
  refuseFullRun(await needsOf(candidate, destination, files, freeSpaceAt));
}

/** Refuses a run that does not fit. @throws InputError with what is needed and what is free */
export function refuseFullRun(needs: readonly DiskNeed[]): void {
  const advice = 'Free space, or give another --out, or write less (--format, --export, --tables)';
  refuseFullDisk(needs, 'the run', advice);
}

/**
 * Plans the files of a run whose model has been found, of whose metric the header is read.
 *
 * @throws InputError where the metric is not there, or not of this model's size, or what rows are weighed by is not
 */
export async function filesOfRun(
  config: Config & { out: string },
  { name, shape }: Pick<Candidate, 'name' | 'shape'>,
): Promise<PlannedFile[]> {
  const { rows, columns: hidden } = shape;
  const { format, partitionRows } = config;
  const given =
    config.metric === undefined ? null : await readMetricHeader(config.metric, { hiddenSize: hidden });
  const weighting = weightingOf(config);
  if (weighting !== null) await refuseUnusable(weighting, hidden);
  const { ridge } = metricOfRun(config, given);
  const plan = planRun({ rows, hidden, partitionRows, format });
  const files = await planRunFiles(config, { plan, name: config.name ?? name, ridge });
  return [...files, partsOf(config, plan, shape)];
}

/** What the units of a run leave on the disk for later stages, until it is finished, as one file of that size. */
export function partsOf(
  {
    out,
    metric,
    tables,
    top,
    weights,
  }: Pick<Config, 'metric' | 'tables' | 'top' | 'weights'> & { out: string },
  plan: Plan,
  { dtype }: Pick<Candidate['shape'], 'dtype'>,
): PlannedFile {
  const listed = tables === 'none' ? null : Math.min(top, plan.rows);
  const isWeighted = weights !== 'uniform';
  const shape = { dtype, computesMetric: metric === undefined, isWeighted, top: listed };
  return { path: path.join(path.resolve(out), PARTS_FOLDER, 'all'), bytes: allPartBytes(plan, shape) };
}

/** What a run needs of each disk, beside what is free there. */
export async function needsOf(
  { files: ofModel, bytesToDownload, downloadTarget }: Omit<Candidate, 'name' | 'shape'>,
  destination: Pick<Destination, 'path' | 'filesToRemove'>,
  files: readonly PlannedFile[],
  freeSpaceAt?: (folder: string) => Promise<FreeSpace>,
): Promise<DiskNeed[]> {
  const writes = {
    out: destination.path,
    files: [...ofModel, ...files],
    bytesToDownload,
    downloadTarget: downloadTarget ?? null,
    removed: destination.filesToRemove(),
  };
  return diskNeedsOf([writes], freeSpaceAt);
}
