import { existsSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { chooseBackend } from '../linalg/backend/choose-backend.js';
import { type Manifest, NEIGHBOURS_NAME } from '../output/manifest.js';
import { neighbourRecords } from '../output/neighbour-records.js';
import { directoryStore } from '../output/run-store.js';
import { removeUnfinished } from '../output/unfinished-files.js';
import { addNeighbours } from './add-neighbours.js';
import { type Caller, callerShape, withContext } from './caller.js';
import { checkConfig, configDefaults } from './config.js';
import { meanOfColumns, measureRows } from './measure-rows.js';
import {
  type NeighbourOptions,
  type NeighbourRequest,
  neighbourShape,
  requestOf,
} from './neighbour-options.js';
import { openSearch } from './open-search.js';
import type { LockedRun } from './plan-extension.js';
import { checksumProblems } from './run-file-problems.js';
import { requestHash, type WholeSearch, wholeSearch } from './whole-search.js';
import { withExtensibleRun } from './with-extensible-run.js';

/** A finished run whose neighbours have been found. */
export interface RunWithNeighbours {
  /** The output directory, absolute. */
  directory: string;
  /** What the run records of itself now; `neighbours` is not null. */
  manifest: Manifest;
  /** Whether they were found now; otherwise the same lay there already, intact. */
  isNew: boolean;
}

/** Options of whoever asks for the neighbours of all tokens. */
export interface FindNeighboursOptions extends NeighbourOptions, Caller {
  /** Replaces neighbours that the run has, if others were asked for then. Default: false, which refuses. */
  overwrite?: boolean | undefined;
}

/** How these options are checked. */
export const findNeighboursSchema = z.strictObject({
  ...neighbourShape,
  ...callerShape,
  overwrite: z.boolean().optional(),
}) satisfies z.ZodType<FindNeighboursOptions>;

/**
 * Finds the exact nearest neighbours of all tokens of a finished run, from its projections, writes them to
 * `neighbours.parquet`, and records that file. What a call that was interrupted or killed has found is kept for the next one
 * that asks for the same. Nothing is written to a stream.
 *
 * @param directory output directory of the run
 * @param options which neighbours, and how the search is watched and stopped
 * @returns the run's manifest as it is now
 * @throws EigenshardError of the kind 'input' where there is no run, the options are wrong or a file of somebody else stands in
 *   the way, 'verification' where the run is damaged, 'run' for a full disk, 'interrupted' after an abort
 */
export async function findNeighbours(
  directory: string,
  options: FindNeighboursOptions = {},
): Promise<RunWithNeighbours> {
  const {
    workers = configDefaults.workers,
    overwrite = false,
    ...checked
  } = checkConfig(findNeighboursSchema, options, 'options');
  const request = requestOf(checked);
  return withContext(workers, options, (context) =>
    withExtensibleRun(directory, context, async (run) => {
      if (await hasNeighbours(run, request)) {
        removeLeft(run, request);
        return withNeighbours(run, false);
      }
      if (!overwrite) refuseOtherNeighbours(run, request);
      const search = await openWholeSearch(run, request, checked.backend);
      return withNeighbours({ ...run, manifest: await addNeighbours(run, search) }, true);
    }),
  );
}

/**
 * Removes what a search has left whose table is in place: where it was killed then, or one of its processes published a part
 * late. What has records of another search alone belongs to that one.
 */
export function removeLeft({ directory, manifest, lock }: LockedRun, request: NeighbourRequest): void {
  const records = neighbourRecords(directoryStore(directory, { durable: false, lock }));
  const own = requestHash(manifest, request);
  if (records.length === 0 || records.some((record) => record.request === own)) removeUnfinished(directory);
}

function withNeighbours({ directory, manifest }: LockedRun, isNew: boolean): RunWithNeighbours {
  return { directory, manifest, isNew };
}

/**
 * Tells whether a run has the neighbours that are asked for already, intact.
 *
 * @throws InputError where another file stands in their place
 */
export async function hasNeighbours(
  { directory, manifest: { neighbours }, context }: Omit<LockedRun, 'lock'>,
  request: NeighbourRequest,
): Promise<boolean> {
  refuseForeign(directory, neighbours);
  if (neighbours === null || neighbours.k !== request.k) return false;
  if (!isDeepStrictEqual(neighbours.measures, request.measures)) return false;
  const problems = await checksumProblems([neighbours.file], directory, context);
  for (const problem of problems) context.note(`${problem}: to be made again`);
  return problems.length === 0;
}

/**
 * Refuses to replace neighbours that may have taken hours.
 *
 * @throws InputError where a run has others than those that are asked for
 */
export function refuseOtherNeighbours(
  { directory, manifest: { neighbours } }: Pick<LockedRun, 'directory' | 'manifest'>,
  request: NeighbourRequest,
): void {
  if (neighbours === null) return;
  const { k, measures } = neighbours;
  if (k === request.k && isDeepStrictEqual(measures, request.measures)) return;
  throw new InputError(
    `${directory}: has neighbours already, ${k} of each token by ${measures.join(' and ')}. Give --overwrite to replace them, or ask ` +
      'for the same',
  );
}

/**
 * Opens the search for the neighbours of all tokens: compares the run with its checksums, and measures its rows.
 *
 * @throws EigenshardError where the run is damaged, or what is to multiply cannot be used
 */
export async function openWholeSearch(
  { directory, manifest, context }: Omit<LockedRun, 'lock'>,
  request: NeighbourRequest,
  backend: NeighbourOptions['backend'] = 'auto',
): Promise<WholeSearch> {
  const chosen = await chooseBackend({ backend }, context.note);
  const opened = await openSearch(directory, manifest);
  const rows = await measureRows(opened, await meanOfColumns(opened.partitions, context), context);
  return wholeSearch(manifest, request, { ...opened, rows, backend: chosen });
}

/** Refuses a file in the place of the table that the run has not recorded. */
function refuseForeign(directory: string, neighbours: Manifest['neighbours']): void {
  const file = path.join(directory, NEIGHBOURS_NAME);
  if (neighbours !== null || !existsSync(file)) return;
  throw new InputError(
    `${file}: exists, and the run in ${directory} has not recorded it. Move it away, and ask again`,
  );
}
