import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { withCleanUp } from '../files/clean-up.js';
import { refuseLost } from '../files/lock.js';
import { sweepPartialFiles } from '../files/partial-file.js';
import { lockDirectory } from '../files/wait-for-lock.js';
import { writeTable } from '../formats/parquet-table.js';
import { type BackendName, backendNames } from '../linalg/backend/backend.js';
import { chooseBackend } from '../linalg/backend/choose-backend.js';
import { readEigenbasis } from '../output/eigenbasis-file.js';
import { fileMetadata } from '../output/file-metadata.js';
import { LAYOUT_VERSION, type Manifest, NEIGHBOURS_NAME, readManifest } from '../output/manifest.js';
import { publishNeighbours, readNeighbours } from '../output/neighbour-records.js';
import { directoryStore } from '../output/run-store.js';
import { commitStaged, openStage, settleStage, stageFile } from '../output/staged-files.js';
import { removeUnfinished } from '../output/unfinished-files.js';
import {
  measureDefinitions,
  type NeighbourMeasure,
  neighbourMeasures,
} from '../tables/neighbour-measures.js';
import { neighbourTable } from '../tables/neighbour-table.js';
import { type Caller, callerShape, withContext } from './caller.js';
import { checkConfig, configDefaults, configSchema } from './config.js';
import { refuseDamaged } from './export-projections.js';
import { measureRows } from './measure-rows.js';
import type { LockedRun } from './plan-extension.js';
import { checksumProblems } from './run-file-problems.js';
import {
  type NeighbourParts,
  type NeighbourRequest,
  partitionInputs,
  searchNeighbours,
} from './search-neighbours.js';

/** Most neighbours of a token. */
const MOST_NEIGHBOURS = 1000;

/** Which neighbours are wanted, and how they are found. */
export interface NeighbourOptions {
  /** Neighbours of each token, at most 1,000. Default: 20. */
  k?: number | undefined;
  /** Measures; knots are tied by the first. Default: 'causal_cosine'. */
  measures?: NeighbourMeasure[] | undefined;
  /** What multiplies: 'auto', 'portable', 'system' or 'webgpu'. Default: 'auto'. The answer does not depend on it. */
  backend?: BackendName | undefined;
  /** Worker threads. Default: the cores available. */
  workers?: number | undefined;
}

const neighbourShape = {
  k: z.int().min(1).max(MOST_NEIGHBOURS).optional(),
  measures: z
    .array(z.enum(neighbourMeasures))
    .min(1)
    .refine((measures) => new Set(measures).size === measures.length, 'expected each measure once')
    .optional(),
  backend: z.enum(backendNames).optional(),
  workers: configSchema.shape.workers.unwrap().optional(),
  ...callerShape,
};

const neighbourSchema = z.strictObject(neighbourShape) satisfies z.ZodType<NeighbourOptions & Caller>;

/** Neighbours of some tokens. */
export interface NearestTokens {
  measure: NeighbourMeasure;
  /** One of those that were asked for. */
  token: number;
  /** Neighbours, nearest first, ties by the lower number; null for a row without a direction. */
  ids: number[] | null;
  /** Their values of the measure. */
  values: number[] | null;
}

/** A finished run whose neighbours have been found. */
export interface RunWithNeighbours {
  /** The output directory, absolute. */
  directory: string;
  /** What the run records of itself now; `neighbours` is not null. */
  manifest: Manifest;
  /** Whether they were found now; otherwise the same lay there already, intact. */
  isNew: boolean;
}

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
  options: NeighbourOptions & Caller = {},
): Promise<RunWithNeighbours> {
  const { workers = configDefaults.workers, ...checked } = checkConfig(neighbourSchema, options, 'options');
  const request = requestOf(checked);
  return withContext(workers, options, async (context) => {
    // Before the lock, which only the directory of a run takes.
    readManifest(directory);
    const place = path.resolve(directory);
    const lock = await lockDirectory(place, context);
    return withCleanUp(
      async () => {
        settleStage(place);
        sweepPartialFiles(place);
        const manifest = readManifest(directory);
        refuseFormerLayout(directory, manifest);
        refuseForeign(place, manifest);
        const run = { directory: place, manifest, lock: lock.claim, context };
        if (await hasNeighbours(run, request)) return { directory: place, manifest, isNew: false };
        const extended = await extend(run, request, checked.backend);
        return { directory: place, manifest: extended, isNew: true };
      },
      () => lock.release(),
    );
  });
}

/**
 * Finds the exact nearest neighbours of some tokens of a finished run among all of its tokens. Nothing is written.
 *
 * @param directory output directory of the run
 * @param tokens numbers of rows
 * @param options which neighbours, and how the search is watched and stopped
 * @returns a list for each token by the first measure, in the order of `tokens`, then by the others
 * @throws EigenshardError of the kind 'input' where there is no run, or no such row, or the options are wrong, 'verification'
 *   where the run is damaged, 'interrupted' after an abort
 */
export async function nearestTokens(
  directory: string,
  tokens: readonly number[],
  options: NeighbourOptions & Caller = {},
): Promise<NearestTokens[]> {
  const { workers = configDefaults.workers, ...checked } = checkConfig(neighbourSchema, options, 'options');
  const { k, measures } = requestOf(checked);
  const manifest = readManifest(directory);
  const ids = checkedTokens(directory, manifest, tokens);
  return withContext(workers, options, async (context) => {
    const run = { directory: path.resolve(directory), manifest, context };
    const searched = await openSearch(run, checked.backend);
    const found = await searchNeighbours(
      searched,
      { tokens: ids, k, measures },
      { ...searched, parts: null },
      context,
    );
    return found.flatMap((lists, m) =>
      Array.from(ids, (token, place) => ({
        measure: measures[m]!,
        token,
        ids: lists.ids[place]!,
        values: lists.values[place]!,
      })),
    );
  });
}

/** Whether the run has the neighbours that are asked for already, intact. */
async function hasNeighbours(
  { directory, manifest: { neighbours }, context }: LockedRun,
  request: NeighbourRequest,
): Promise<boolean> {
  if (neighbours === null || neighbours.k !== request.k) return false;
  if (!isDeepStrictEqual(neighbours.measures, request.measures)) return false;
  const problems = await checksumProblems([neighbours.file], directory, context);
  for (const problem of problems) context.note(`${problem}: to be made again`);
  return problems.length === 0;
}

function requestOf({ k = 20, measures = ['causal_cosine'] }: NeighbourOptions): NeighbourRequest {
  return { k, measures };
}

/** @throws InputError where one of them is no row of the run */
function checkedTokens(directory: string, { model }: Manifest, tokens: readonly number[]): Int32Array {
  if (!Array.isArray(tokens) || tokens.length === 0)
    throw new InputError(`${directory}: give the numbers of the tokens whose neighbours are wanted`);
  const wrong = tokens.find((id) => !Number.isSafeInteger(id) || id < 0 || id >= model.rows);
  if (wrong === undefined) return Int32Array.from(tokens);
  throw new InputError(`${directory}: has no token ${wrong}; its tokens are 0 to ${model.rows - 1}`);
}

/** Opens what neighbours are found from: partitions, what is known of their rows, and a backend. */
async function openSearch(
  { directory, manifest, context }: Omit<LockedRun, 'lock'>,
  name: BackendName = 'auto',
) {
  const { eigenbasis, model } = manifest;
  refuseDamaged(directory, await checksumProblems([eigenbasis], directory, context));
  const { eigenvalues } = await readEigenbasis(directory, model.hidden, eigenbasis);
  const backend = await chooseBackend({ backend: name }, context.note);
  const partitions = partitionInputs(directory, manifest);
  const rows = await measureRows(partitions, eigenvalues, context);
  return { partitions, rows, backend };
}

/** Finds the neighbours of all tokens, and commits them. */
async function extend(
  run: LockedRun,
  request: NeighbourRequest,
  backend: BackendName | undefined,
): Promise<Manifest> {
  const { directory, manifest, lock, context } = run;
  const searched = await openSearch(run, backend);
  const tokens = Int32Array.from({ length: manifest.model.rows }, (_, id) => id);
  const parts = partsOf(run, request);
  const found = await searchNeighbours(searched, { tokens, ...request }, { ...searched, parts }, context);
  return withCleanUp(
    async () => {
      const extended = await context.stopwatch.time('table', undefined, async () => {
        const stage = openStage(directory);
        const { measures, k } = request;
        const { columns, summary } = neighbourTable(
          measures.map((measure, m) => ({
            measure,
            rootMeanSquare: searched.rows.rootMeanSquares[measureDefinitions[measure].space],
            ...found[m]!,
          })),
        );
        const file = writeTable(stage, NEIGHBOURS_NAME, columns, metadataOf(manifest, request));
        stageFile(directory, file);
        return { ...manifest, neighbours: { file, k, measures, summary } };
      });
      await context.stopwatch.time('commit', undefined, () => commitStaged(directory, extended, lock));
      removeUnfinished(directory);
      return extended;
    },
    () => {
      // What a process has staged that has taken the directory over is its own.
      refuseLost(lock);
      settleStage(directory);
    },
  );
}

/** Parts of a request in the run's directory. */
function partsOf({ directory, manifest, lock }: LockedRun, request: NeighbourRequest): NeighbourParts {
  const store = directoryStore(directory, { durable: false, lock });
  const { fingerprint, partitions } = manifest;
  const bytes = partitions.flatMap(({ files }) => files.map((file) => file.sha256));
  const sha256 = createHash('sha256')
    .update(JSON.stringify([fingerprint, bytes, request.k, request.measures]))
    .digest('hex');
  return {
    read: (unit) => readNeighbours(store, { request: sha256, unit }),
    publish: (unit, lists) => publishNeighbours(store, { request: sha256, unit }, lists),
  };
}

/** Metadata of the table: that of every file of the run, and what the columns are. */
function metadataOf(manifest: Manifest, { k, measures }: NeighbourRequest): Record<string, string> {
  const { fingerprint, layout, model } = manifest;
  const formulas = Object.fromEntries(
    measures.map((measure) => [measure, measureDefinitions[measure].formula]),
  );
  return {
    ...fileMetadata(fingerprint, layout, model.name),
    'eigenshard.neighbours': JSON.stringify({ k, measures: formulas }),
  };
}

/** @throws InputError for a run that this version does not write */
function refuseFormerLayout(directory: string, { layout }: Manifest): void {
  if (layout === LAYOUT_VERSION) return;
  throw new InputError(
    `${directory}: is a run in layout ${layout}, which can be read and verified, but not added to. Make the run again`,
  );
}

/** Refuses a file in the place of the table that the run has not recorded. */
function refuseForeign(directory: string, { neighbours }: Manifest): void {
  const file = path.join(directory, NEIGHBOURS_NAME);
  if (neighbours !== null || !existsSync(file)) return;
  throw new InputError(
    `${file}: exists, and the run in ${directory} has not recorded it. Move it away, and ask again`,
  );
}
