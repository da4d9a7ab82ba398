import path from 'node:path';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { readManifest } from '../output/manifest.js';
import type { Series } from '../output/series-folder.js';
import { count } from '../text/figures.js';
import { type Caller, callerShape, withContext } from './caller.js';
import { checkConfig, configDefaults, configSchema } from './config.js';
import { type SeriesRun, seriesInto } from './series-into.js';
import { folderBeside, withLockedFolder } from './with-locked-folder.js';

/** How a series of runs is compared. */
export interface CompareSeriesOptions {
  /** Folder in which the series is written; it must not be there yet. */
  out: string;
  /** Whether a series in the folder is replaced. Default: not. */
  overwrite?: boolean | undefined;
  /** Worker threads. Default: the cores available. */
  workers?: number | undefined;
}

/** A series of runs that has been compared. */
export interface ComparedSeries {
  /** Folder of the series, absolute. */
  directory: string;
  /** What was found and recorded. */
  series: Series;
}

const seriesOptionsSchema = z.strictObject({
  out: z.string().min(1),
  overwrite: z.boolean().optional(),
  workers: configSchema.shape.workers.unwrap().optional(),
  ...callerShape,
}) satisfies z.ZodType<CompareSeriesOptions & Caller>;

/**
 * Compares the runs of a training series in their order: spectrum and norms of each, and how far its tokens' rows have moved
 * from the step before and from the first, how alike they are, and how much of it is one common way. Rows are read from the
 * checkpoints that the runs were made from; projections are not needed, and the runs are left as they are. Memory is that of
 * three steps, however many there are. Nothing is written to a stream. A kill at any moment leaves no folder of that name, or
 * the one that was there.
 *
 * @param runs output directories of two runs or more, the first step first; each has the tokens of the first, by id
 * @param options where the series goes, and how that is watched and stopped
 * @returns where it is, and what was found
 * @throws EigenshardError of the kind 'input' where there is no such run or checkpoint, or vocabularies differ,
 *   'verification' where a check fails, 'run' for a full disk, 'interrupted' after an abort
 */
export async function compareSeries(
  runs: readonly string[],
  options: CompareSeriesOptions & Caller,
): Promise<ComparedSeries> {
  const checked = checkConfig(seriesOptionsSchema, options, 'options');
  const steps = readSteps(runs);
  const folder = folderBeside(checked.out, 'the series', runs);
  const { workers = configDefaults.workers, overwrite: isReplaced = false } = checked;
  return withContext(workers, options, (context) =>
    withLockedFolder(folder, context, async (lock) => ({
      directory: folder,
      series: await seriesInto(steps, { folder, lock, isReplaced }, context),
    })),
  );
}

/** Reads the manifests of all steps. @throws InputError where one has other rows than the first */
function readSteps(runs: readonly string[]): SeriesRun[] {
  if (runs.length < 2)
    throw new InputError(
      `a series has two steps at least, and ${runs.length === 1 ? 'one run was' : 'no run was'} given: give all runs, in their order`,
    );
  const steps = runs.map((run) => ({ directory: path.resolve(run), manifest: readManifest(run) }));
  const size = ({ manifest: { model } }: SeriesRun) => `${count(model.rows)} x ${count(model.hidden)}`;
  const other = steps.find((step) => size(step) !== size(steps[0]!));
  if (other === undefined) return steps;
  throw new InputError(
    `${other.directory}: has ${size(other)} numbers, and the first step ${size(steps[0]!)}: the steps of a series have the same ` +
      'tokens and one hidden size; leave it out, and see `compare` for two runs that differ',
  );
}
