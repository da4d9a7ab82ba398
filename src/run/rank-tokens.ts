import { InputError } from '../errors.js';
import { runTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import type { Slice } from '../files/file-record.js';
import type { BackendChoice } from '../linalg/backend/backend.js';
import { openTable, withoutTables } from '../output/open-table.js';
import type { RankedUnit, RankedUnits } from '../output/ranked-units.js';
import { rankingUnits } from '../plan/vector-units.js';
import { type ExtremeLists, Extremes, LISTS } from '../tables/extremes.js';
import { powerOf, type VectorPass } from '../tables/vector-geometry.js';
import type { VectorPart } from '../tables/vector-part.js';
import type { RankedVectors } from '../tables/vector-table.js';
import { counted } from '../text/figures.js';
import { checkPartitions } from './check-partitions.js';
import { partitionInputs } from './partition-inputs.js';
import type { LockedRun } from './plan-extension.js';

/** Rows of the largest table of nearest tokens: some 2 GB of memory while it is written. */
const MOST_ROWS = 2 ** 25;

/** Vectors whose coordinates lie in a file. */
export interface VectorsToRank {
  part: VectorPart;
  passes: readonly VectorPass[];
  /** Where the coordinates of vector 0 begin. */
  coordinates: Slice;
  backend: BackendChoice;
  /** Units that are done: what is found of others is kept there. */
  units: RankedUnits;
}

/** Tokens as the tables of the run know them. */
export interface KnownTokens {
  /** Norms of all tokens, [V]. */
  norms: RankedVectors['norms'];
  /** Weights of all tokens, whose mean is 1, [V]; null where all are alike. */
  weights: Float64Array | null;
  /** Texts of all tokens, [V]. */
  texts: ArrayLike<unknown>;
}

/**
 * Reads what the nearest tokens are made of beside the projections.
 *
 * @param vectors number of vectors, for which so many tokens are to be listed
 * @throws InputError where the run has no tables, or the lists would be too long
 */
export async function knownTokens(
  { directory, manifest }: LockedRun,
  vectors: number,
  top: number,
): Promise<KnownTokens> {
  const { tables, model } = manifest;
  if (vectors * Math.min(top, model.rows) * LISTS > MOST_ROWS)
    throw new InputError(
      `${directory}: ${counted(vectors, 'vector')} with ${LISTS} lists of ${top} tokens are more than ${MOST_ROWS} rows; ask ` +
        'for fewer tokens with --top, or for some of the vectors with --rows',
    );
  if (tables === null) throw withoutTables(directory);
  const table = await openTable({ directory, tables }, 'tokens', model.rows);
  const [euclidean, causal] = [await table.numbers('norm'), await table.numbers('causal_norm')];
  const weights = manifest.weights === null ? null : await table.numbers('weight');
  return {
    norms: { euclidean, causal },
    weights: weights?.map((weight) => weight * model.rows) ?? null,
    texts: await table.values('text'),
  };
}

/**
 * Finds the tokens nearest to every vector by every measure on the pool, from the projections of the run, once these are
 * known to be as they were recorded.
 *
 * @returns the lists, and the sums over all tokens, by their weights, of the products and of their squares, [passes, 2, count]
 */
export async function rankTokens(
  run: LockedRun,
  { part, passes, coordinates, backend, units: done }: VectorsToRank,
  { norms, weights }: KnownTokens,
  top: number,
): Promise<{ ranked: RankedVectors; sums: Float64Array }> {
  const { executor, stopwatch, note } = run.context;
  const { rows, hidden } = run.manifest.model;
  const partitions = partitionInputs(run);
  await checkPartitions(run, partitions);
  const places = Math.min(top, rows);
  const count = part.norm.length;
  const scales = passes.map((_, k) => part.passSquares.subarray(k * count, (k + 1) * count).map(powerOf));
  const units = rankingUnits(count, partitions.length, LISTS * places);
  const inputs = units.map(({ vectors, partitions: { first, count: many } }) => {
    const own = partitions.slice(first, first + many);
    const from = own[0]!.rows.first;
    const tokens = own.reduce((sum, partition) => sum + partition.rows.count, 0);
    return {
      hidden,
      partitions: own,
      rows: { first: from, count: tokens },
      norms: {
        euclidean: norms.euclidean.slice(from, from + tokens),
        causal: norms.causal.slice(from, from + tokens),
      },
      weights: weights?.slice(from, from + tokens),
      vectors,
      coordinates,
      passes,
      scales: scales.map((scale) => scale.slice(vectors.first, vectors.first + vectors.count)),
      top: places,
      backend,
    };
  });
  const merged: ExtremeLists = {
    keys: new Float64Array(count * LISTS * places),
    tokens: new Int32Array(count * LISTS * places).fill(-1),
  };
  const partialSums: Float64Array[] = [];
  const groups = new Map<number, Extremes>();
  const add = ({ lists, sums }: RankedUnit, unit: number) => {
    const { vectors } = units[unit]!;
    const group = groups.get(vectors.first) ?? new Extremes(vectors.count, places);
    groups.set(vectors.first, group);
    group.add(lists);
    partialSums[unit] = sums;
  };
  const missing = [...units.keys()].filter((unit) => {
    const found = done.read(unit);
    if (found !== null) add(found, unit);
    return found === null;
  });
  if (missing.length < units.length)
    note(`nearest tokens: ${units.length - missing.length} of ${counted(units.length, 'unit')} were kept`);
  const wanted = missing.map((unit) => inputs[unit]!);
  const tokens = wanted.reduce((sum, { rows: { count } }) => sum + count, 0);
  await stopwatch.time('nearest tokens', tokens, (advance) =>
    runTasks(tellRows(executor, advance), 'ranking', wanted, (found, index) => {
      done.publish(missing[index]!, found);
      add(found, missing[index]!);
    }),
  );
  for (const [first, { merged: lists }] of groups) {
    merged.keys.set(lists.keys, first * LISTS * places);
    merged.tokens.set(lists.tokens, first * LISTS * places);
  }
  // In the order of the units, so that the bits do not depend on timing.
  const sums = new Float64Array(passes.length * 2 * count);
  for (const [index, { vectors }] of units.entries())
    for (let k = 0; k < passes.length * 2; k++)
      for (let v = 0; v < vectors.count; v++)
        sums[k * count + vectors.first + v]! += partialSums[index]![k * vectors.count + v]!;
  return { ranked: { part, passes, top: places, ...merged, norms }, sums };
}
