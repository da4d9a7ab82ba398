import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { InputError } from '../errors.js';
import { isInShare, type Share } from '../executor/array-index.js';
import { withGuard } from '../files/guarded-directory.js';
import { HeldElsewhereError } from '../files/wait-for-lock.js';
import { type Manifest, readManifest } from '../output/manifest.js';
import { neighbourUnitsDone } from '../output/neighbour-records.js';
import { directoryStore } from '../output/run-store.js';
import { holdsUnfinished } from '../output/unfinished-files.js';
import { addNeighbours } from './add-neighbours.js';
import { withContext } from './caller.js';
import { checkConfig, configDefaults } from './config.js';
import type { RunContext } from './context.js';
import {
  type FindNeighboursOptions,
  findNeighboursSchema,
  hasNeighbours,
  openWholeSearch,
  type RunWithNeighbours,
  refuseOtherNeighbours,
  removeLeft,
} from './find-neighbours.js';
import { type NeighbourRequest, requestOf } from './neighbour-options.js';
import type { LockedRun } from './plan-extension.js';
import { computeSearch, requestHash, type WholeSearch } from './whole-search.js';
import { refuseFormerLayout, withExtensibleRun } from './with-extensible-run.js';

/** What a process has done of a search that it shares with others. */
export interface SharedSearch {
  /** Output directory of the run, absolute. */
  directory: string;
  /** Units that are this process's share. */
  units: number;
  /** Of these, how many were done before, and how many have been computed now. */
  before: number;
  computed: number;
  /** Numbers of the units, of all, that are not done. */
  missing: number[];
  /** The run with its neighbours; null while units are missing, or another process adds them. */
  finished: RunWithNeighbours | null;
}

/** Units that a process has computed, of all. */
type Computed = Omit<SharedSearch, 'directory' | 'finished'>;

/**
 * Computes this process's share of the search for the neighbours of all tokens, without a lock: others compute as well. Whoever
 * finds that no unit is missing adds the table to the run.
 *
 * @throws EigenshardError as `findNeighbours`; InputError where the run is made again or extended otherwise meanwhile
 */
export async function shareNeighbours(
  directory: string,
  share: Share,
  options: FindNeighboursOptions,
): Promise<SharedSearch> {
  const {
    workers = configDefaults.workers,
    overwrite = false,
    ...checked
  } = checkConfig(findNeighboursSchema, options, 'options');
  const request = requestOf(checked);
  const manifest = readManifest(directory);
  refuseFormerLayout(directory, manifest);
  const place = path.resolve(directory);
  return withContext(workers, options, async (context) => {
    const run = { directory: place, manifest, context };
    if (await hasNeighbours(run, request)) return nothingLeft(run, request);
    if (!overwrite) refuseOtherNeighbours(run, request);
    const search = await openWholeSearch(run, request, checked.backend);
    const check = () => refuseOtherRun(place, manifest, request);
    try {
      const computed = await withGuard(place, check, () => computeShare(place, share, search, context));
      const isComplete = computed.missing.length === 0;
      const finished = isComplete ? await finish(place, request, search, context) : null;
      return { directory: place, ...computed, finished };
    } catch (error) {
      // Others may have had all of it meanwhile.
      const now = { ...run, manifest: readManifest(directory) };
      if (!(await hasNeighbours(now, request))) throw error;
      return nothingLeft(now, request);
    }
  });
}

/** Tells that the table is there. What its search has left goes, unless another process works in the run. */
async function nothingLeft(
  { directory, manifest, context }: Omit<LockedRun, 'lock'>,
  request: NeighbourRequest,
): Promise<SharedSearch> {
  if (holdsUnfinished(directory))
    await unlessHeld(() =>
      withExtensibleRun(directory, context, async (run) => {
        if (await hasNeighbours(run, request)) removeLeft(run, request);
      }),
    );
  const finished = { directory, manifest, isNew: false };
  return { directory, units: 0, before: 0, computed: 0, missing: [], finished };
}

async function computeShare(
  directory: string,
  share: Share,
  search: WholeSearch,
  context: RunContext,
): Promise<Computed> {
  const store = directoryStore(directory, { durable: true, lock: null });
  const missing = () => {
    const done = new Set(neighbourUnitsDone(store, search.sha256));
    return Array.from(search.units, (_, unit) => unit).filter((unit) => !done.has(unit));
  };
  const mine = Array.from(search.units, (_, unit) => unit).filter((unit) => isInShare(share, unit));
  const open = missing().filter((unit) => mine.includes(unit));
  if (open.length > 0) await computeSearch(search, open, store, { context });
  const computed = open.length;
  return { units: mine.length, before: mine.length - computed, computed, missing: missing() };
}

/** Adds the table to the run under its lock, unless another process does. */
async function finish(
  directory: string,
  request: NeighbourRequest,
  search: WholeSearch,
  context: RunContext,
): Promise<RunWithNeighbours | null> {
  return unlessHeld(() =>
    withExtensibleRun(directory, context, async (run) => {
      const { manifest } = run;
      if (await hasNeighbours(run, request)) {
        removeLeft(run, request);
        return { directory, manifest, isNew: false };
      }
      if (requestHash(manifest, request) !== search.sha256) throw otherRun(directory);
      return { directory, manifest: await addNeighbours(run, search), isNew: true };
    }),
  );
}

/** Does something under a lock; null where another process holds it. */
async function unlessHeld<Result>(work: () => Promise<Result>): Promise<Result | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HeldElsewhereError) return null;
    throw error;
  }
}

/** @throws InputError where the run is not as it was when the search began: another one, or one with other neighbours */
function refuseOtherRun(directory: string, before: Manifest, request: NeighbourRequest): void {
  const now = readManifest(directory);
  const isSame = requestHash(now, request) === requestHash(before, request);
  if (!isSame || !isDeepStrictEqual(now.neighbours, before.neighbours)) throw otherRun(directory);
}

function otherRun(directory: string): InputError {
  return new InputError(
    `${directory}: is not the run any more that it was when the search for its neighbours began. Ask for them again`,
  );
}
