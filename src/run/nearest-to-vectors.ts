import path from 'node:path';
import { z } from 'zod';
import { InputError } from '../errors.js';
import type { NeighbourQueries } from '../executor/tasks.js';
import { type NormRule, normRules } from '../input/norm/norm-rules.js';
import { findVectors, type VectorWish } from '../input/vectors.js';
import { chooseBackend } from '../linalg/backend/choose-backend.js';
import { weightedNorms } from '../linalg/weighted-norms.js';
import { readManifest } from '../output/manifest.js';
import { queryBlocks } from '../plan/query-blocks.js';
import { type VectorKind, type VectorSpace, vectorKinds, vectorSpaces } from '../plan/vector-kind.js';
import { type MeasuredNeighbours, withCopies } from '../tables/neighbour-lists.js';
import { measureDefinitions, type NeighbourMeasure, spacesOf } from '../tables/neighbour-measures.js';
import { type Caller, callerShape, withContext } from './caller.js';
import { checkConfig, configDefaults, configSchema } from './config.js';
import type { RunContext } from './context.js';
import { meanOfColumns, measureRows } from './measure-rows.js';
import { FEW_QUERIES, type KnownQueries, nearestDirectly } from './nearest-directly.js';
import {
  type NeighbourOptions,
  type NeighbourRequest,
  neighbourShape,
  requestOf,
} from './neighbour-options.js';
import { openSearch, type RunToSearch } from './open-search.js';
import { joinedLists, searchBlocks } from './search-neighbours.js';
import { vectorCoordinates } from './vector-coordinates.js';
import { explainKind, explainSpace, refuseIdleNorm, refuseOtherKind } from './vector-refusals.js';

/** What vectors are, and which neighbours are wanted. */
export interface NearestToVectorsOptions extends NeighbourOptions, VectorWish {
  /** What the vectors are: 'token', such as a difference of rows, or 'hidden', such as a hidden state. No default. */
  kind: VectorKind;
  /** Where hidden-like vectors lie beside the final norm: 'normed' behind it, or 'residual' before it. No default. */
  space?: VectorSpace | undefined;
  /** Whether token-like vectors are rows themselves, and the mean row is taken off them as well. Default: not. */
  centre?: boolean | undefined;
  /** The checkpoint, of which the final norm is read for vectors before it. Default: where the run recorded it. */
  model?: string | undefined;
  /** What the final norm is, where the checkpoint's architecture does not tell. */
  normRule?: NormRule | undefined;
}

/** Tokens nearest to a vector. */
export interface NearestToVector {
  measure: NeighbourMeasure;
  /** Number of the vector in its file, from 0. */
  vector: number;
  /** Tokens, nearest first, ties by the lower number; null for a vector without a direction. */
  ids: number[] | null;
  /** Their values of the measure. */
  values: number[] | null;
}

const optionsSchema = z.strictObject({
  ...neighbourShape,
  kind: z.enum(vectorKinds),
  space: z.enum(vectorSpaces).optional(),
  centre: z.boolean().optional(),
  tensor: z.string().min(1).optional(),
  transpose: z.boolean().optional(),
  rows: z.strictObject({ from: z.int().min(0), to: z.int().min(1).nullable() }).optional(),
  model: configSchema.shape.model,
  normRule: z.enum(normRules).optional(),
  ...callerShape,
}) satisfies z.ZodType<NearestToVectorsOptions & Caller>;

/**
 * Finds the tokens of a finished run that are nearest to vectors which are none of its rows, exactly. Nothing is written, and
 * the projections are read without a look at their checksums, as far as they are numbers.
 *
 * @param directory output directory of the run
 * @param file vectors: a .npy, .safetensors or .pt file
 * @param options what the vectors are, which neighbours are wanted, and how the search is watched and stopped
 * @returns a list for each vector by the first measure, in the order of the file, then by the others
 * @throws EigenshardError of the kind 'input' where there is no run, no such vectors or nothing is said of them,
 *   'verification' where the projections hold what is no number, 'interrupted' after an abort
 */
export async function nearestToVectors(
  directory: string,
  file: string,
  options: NearestToVectorsOptions & Caller,
): Promise<NearestToVector[]> {
  const manifest = readManifest(directory);
  explainKind(directory, options.kind, manifest);
  explainSpace(directory, { ...options, duals: false }, manifest);
  const checked = checkConfig(optionsSchema, options, 'options');
  const { workers = configDefaults.workers, kind, centre = false } = checked;
  const ownSpace = manifest.model.norm === null ? 'normed' : 'residual';
  const where = { space: checked.space ?? ownSpace, model: checked.model, normRule: checked.normRule };
  refuseIdleNorm(directory, where, manifest);
  const request = requestOf(checked);
  refuseMeaningless(directory, kind, centre, request);
  const source = await findVectors(path.resolve(file), manifest.model.hidden, checked);
  refuseOtherKind(source, kind);
  const place = path.resolve(directory);
  return withContext(workers, options, async (context) => {
    const run = await openSearch(place, manifest);
    const coordinates = await vectorCoordinates({ directory: place, manifest, context }, source, where);
    const search = { run, backend: checked.backend ?? 'auto', context } as const;
    const found = new Map<NeighbourMeasure, MeasuredNeighbours>();
    for (const space of spacesOf(request.measures)) {
      const measures = request.measures.filter((measure) => measureDefinitions[measure].space === space);
      const isDual = kind === 'hidden' && space === 'causal';
      const projections = isDual ? dualsOf(coordinates, run.eigenvalues) : coordinates;
      const own = new Int32Array(source.count).fill(-1);
      const queries = { own, projections, isCentred: centre };
      const lists = await nearestOf(search, queries, { ...request, measures });
      for (const [m, measure] of measures.entries()) found.set(measure, lists[m]!);
    }
    return request.measures.flatMap((measure) =>
      Array.from({ length: source.count }, (_, k) => ({
        measure,
        vector: source.first + k,
        ids: found.get(measure)!.ids[k]!,
        values: found.get(measure)!.values[k]!,
      })),
    );
  });
}

/** @throws InputError where a measure says nothing of such vectors */
function refuseMeaningless(
  directory: string,
  kind: VectorKind,
  isCentred: boolean,
  { measures }: NeighbourRequest,
): void {
  if (kind !== 'hidden') return;
  const distance = measures.find((measure) => !measureDefinitions[measure].isCosine);
  if (distance !== undefined)
    throw new InputError(
      `${directory}: ${distance} compares places of rows, and hidden-like vectors have none among them; ask for cosines`,
    );
  if (isCentred)
    throw new InputError(
      `${directory}: the mean row can be taken off rows, and hidden-like vectors are none; leave --centre away`,
    );
}

/** Coordinates of the duals of hidden-like vectors, a / lambda: what is like a row, and compared with rows in M. */
function dualsOf(coordinates: Float32Array, eigenvalues: Float64Array): Float32Array {
  const d = eigenvalues.length;
  return coordinates.map((value, at) => value / eigenvalues[at % d]!);
}

/** A run that is open, and what searches in it. */
interface Search {
  run: RunToSearch;
  backend: NonNullable<NeighbourOptions['backend']>;
  context: RunContext;
}

async function nearestOf(
  { run, backend, context }: Search,
  queries: KnownQueries,
  request: NeighbourRequest,
): Promise<MeasuredNeighbours[]> {
  const n = queries.own.length;
  if (n <= FEW_QUERIES) return nearestDirectly(run, queries, request, context);
  const chosen = await chooseBackend({ backend }, context.note);
  const rows = await measureRows(run, await meanOfColumns(run.partitions, context), context);
  const blocks = vectorBlocks(queries, run.eigenvalues.length);
  const searched = { ...run, rows, backend: chosen };
  const found = await searchBlocks(searched, { ...request, blocks }, 'neighbours', context);
  return request.measures.map((measure, m) => {
    const { space, isCosine } = measureDefinitions[measure];
    const { mean, weights } = rows.spaces[space];
    const centre = queries.isCentred ? mean : null;
    const norms = weightedNorms({ vectors: queries.projections, centre, weights });
    const wanted = Array.from(norms, (norm, place) => ({
      place: !isCosine || norm > 0 ? place : null,
      own: -1,
    }));
    return withCopies(wanted, { k: request.k, ...joinedLists(found.map((block) => block[m]!)) }, rows.equal);
  });
}

/** Vectors as blocks of queries. */
function vectorBlocks({ own, projections, isCentred }: KnownQueries, d: number): NeighbourQueries[] {
  return queryBlocks(own.length, d).map(({ first, count }) => ({
    own: own.slice(first, first + count),
    // A part of a larger array would be sent as a whole.
    projections: projections.slice(first * d, (first + count) * d),
    isCentred,
  }));
}
