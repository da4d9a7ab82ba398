import { runTasks } from '../executor/executor.js';
import type { NeighbourQueries } from '../executor/tasks.js';
import { tellRows } from '../executor/tell-rows.js';
import { weightedNorms } from '../linalg/weighted-norms.js';
import { NearestLists } from '../tables/nearest-lists.js';
import { listsOf, type MeasuredNeighbours } from '../tables/neighbour-lists.js';
import { measureDefinitions, spacesOf } from '../tables/neighbour-measures.js';
import type { RunContext } from './context.js';
import { coordinatesOf, meanOfColumns } from './measure-rows.js';
import type { NeighbourRequest } from './neighbour-options.js';
import type { RunToSearch } from './open-search.js';

/** Most queries that are compared with all rows in float64 as fast as by products, which need more passes. */
export const FEW_QUERIES = 8;

/** Queries whose projections are known. */
export type KnownQueries = NeighbourQueries & { projections: Float32Array };

/**
 * Finds the nearest neighbours of a few queries in one pass through the partitions, all in float64; one more comes first, which
 * takes the mean row and compares checksums.
 *
 * @returns lists of every measure, in the order of the queries
 */
export async function nearestDirectly(
  { partitions, eigenvalues }: RunToSearch,
  queries: KnownQueries,
  { k, measures }: NeighbourRequest,
  context: Pick<RunContext, 'executor' | 'stopwatch'>,
): Promise<MeasuredNeighbours[]> {
  const mean = await meanOfColumns(partitions, context);
  const known = coordinatesOf(eigenvalues, mean);
  const spaces = Object.fromEntries(spacesOf(measures).map((name) => [name, known[name]]));
  const inputs = partitions.map((partition) => ({ ...partition, queries, k, measures, spaces }));
  const nearest = measures.map(() => new NearestLists(queries.own.length, k));
  const total = partitions.reduce((sum, { rows }) => sum + rows.count, 0);
  await context.stopwatch.time('neighbours', total, (advance) =>
    runTasks(tellRows(context.executor, advance), 'nearestRows', inputs, ({ lists }) => {
      for (const [m, found] of lists.entries()) nearest[m]!.merge(found);
    }),
  );
  return measures.map((measure, m) => {
    const { space, isCosine } = measureDefinitions[measure];
    const { mean: taken, weights } = known[space];
    const centre = queries.isCentred ? taken : null;
    const norms = weightedNorms({ vectors: queries.projections, centre, weights });
    const isDefined = (query: number) => !isCosine || norms[query]! > 0;
    return listsOf({ k, ...nearest[m]!.lists }, isDefined);
  });
}
