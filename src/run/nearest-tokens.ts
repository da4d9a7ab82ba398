import path from 'node:path';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { chooseBackend } from '../linalg/backend/choose-backend.js';
import { type Manifest, readManifest } from '../output/manifest.js';
import { readProjections } from '../output/read-projections.js';
import type { MeasuredNeighbours } from '../tables/neighbour-lists.js';
import type { NeighbourMeasure } from '../tables/neighbour-measures.js';
import { shownValue } from '../text/shown-value.js';
import { type Caller, callerShape, withContext } from './caller.js';
import { checkConfig, configDefaults } from './config.js';
import type { RunContext } from './context.js';
import { meanOfColumns, measureRows } from './measure-rows.js';
import { FEW_QUERIES, nearestDirectly } from './nearest-directly.js';
import {
  type NeighbourOptions,
  type NeighbourRequest,
  neighbourShape,
  requestOf,
} from './neighbour-options.js';
import { openSearch, type RunToSearch } from './open-search.js';
import {
  distinctRows,
  listsOfTokens,
  rowBlocks,
  type SearchedRun,
  searchBlocks,
} from './search-neighbours.js';

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

const optionsSchema = z.strictObject({ ...neighbourShape, ...callerShape }) satisfies z.ZodType<
  NeighbourOptions & Caller
>;

/**
 * Finds the exact nearest neighbours of some tokens of a finished run among all of its tokens. Nothing is written.
 *
 * @param directory output directory of the run
 * @param tokens numbers of rows
 * @param options which neighbours, and how the search is watched and stopped
 * @returns a list for each token by the first measure, in the order of `tokens`, then by the others
 * @throws EigenshardError of the kind 'input' where there is no run, or no such row, or the options are wrong, 'verification'
 *   where the projections are not as they were recorded, 'interrupted' after an abort
 */
export async function nearestTokens(
  directory: string,
  tokens: readonly number[],
  options: NeighbourOptions & Caller = {},
): Promise<NearestTokens[]> {
  const { workers = configDefaults.workers, ...checked } = checkConfig(optionsSchema, options, 'options');
  const request = requestOf(checked);
  const manifest = readManifest(directory);
  const asked = checkedTokens(directory, manifest, tokens);
  const ids = Int32Array.from(new Set(asked)).sort();
  const place = path.resolve(directory);
  return withContext(workers, options, async (context) => {
    const run = await openSearch(place, manifest);
    const found =
      ids.length <= FEW_QUERIES
        ? await nearestDirectly(run, await queriesOf(place, manifest, ids), request, context)
        : await nearestByProducts(
            { ...run, backend: await chooseBackend({ backend: checked.backend ?? 'auto' }, context.note) },
            ids,
            request,
            context,
          );
    const places = new Map(Array.from(ids, (id, at) => [id, at]));
    return found.flatMap((lists, m) =>
      Array.from(asked, (token) => ({
        measure: request.measures[m]!,
        token,
        ids: lists.ids[places.get(token)!]!,
        values: lists.values[places.get(token)!]!,
      })),
    );
  });
}

/** @throws InputError where one of them is no row of the run */
function checkedTokens(directory: string, { model }: Manifest, tokens: readonly number[]): Int32Array {
  if (!Array.isArray(tokens) || tokens.length === 0)
    throw new InputError(`${directory}: give the numbers of the tokens whose neighbours are wanted`);
  const at = tokens.findIndex((id) => !Number.isSafeInteger(id) || id < 0 || id >= model.rows);
  if (at < 0) return Int32Array.from(tokens);
  throw new InputError(
    `${directory}: has no token ${shownValue(tokens[at])}; its tokens are 0 to ${model.rows - 1}`,
  );
}

/** Some rows as queries, with their projections. */
async function queriesOf(directory: string, manifest: Manifest, own: Int32Array) {
  const { hidden } = manifest.model;
  const projections = new Float32Array(own.length * hidden);
  for (const [q, first] of own.entries())
    projections.set(await readProjections(directory, manifest, { first, count: 1 }), q * hidden);
  return { own, projections, isCentred: true };
}

/** Finds the neighbours of many rows. */
async function nearestByProducts(
  run: RunToSearch & Pick<SearchedRun, 'backend'>,
  ids: Int32Array,
  request: NeighbourRequest,
  context: RunContext,
): Promise<MeasuredNeighbours[]> {
  const rows = await measureRows(run, await meanOfColumns(run.partitions, context), context);
  const distinct = distinctRows(ids, rows);
  const blocks = rowBlocks(distinct, run.eigenvalues.length);
  const found = await searchBlocks({ ...run, rows }, { ...request, blocks }, 'neighbours', context);
  return listsOfTokens(ids, { ...request, distinct, found }, rows);
}
