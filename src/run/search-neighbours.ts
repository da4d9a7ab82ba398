import { runTasks } from '../executor/executor.js';
import type { NeighbourQueries, NeighboursInput, PartitionInput, SearchInput } from '../executor/tasks.js';
import { tellRows } from '../executor/tell-rows.js';
import type { Backend } from '../linalg/backend/backend.js';
import { queryBlocks } from '../plan/query-blocks.js';
import type { RowRange } from '../plan/row-ranges.js';
import type { NeighbourLists } from '../tables/nearest-lists.js';
import type { KeptRows } from '../tables/neighbour-candidates.js';
import { type MeasuredNeighbours, type WantedList, withCopies } from '../tables/neighbour-lists.js';
import { measureDefinitions, type NeighbourMeasure, spacesOf } from '../tables/neighbour-measures.js';
import type { RunContext } from './context.js';
import type { MeasuredRows } from './measure-rows.js';
import type { NeighbourRequest } from './neighbour-options.js';

/** A run in which neighbours are searched for by products. */
export interface SearchedRun {
  partitions: PartitionInput[];
  rows: MeasuredRows;
  backend: Backend;
}

/** Blocks of queries, and what may be the nearest of each, in the order of the measures, where that is known. */
interface AskedBlocks extends NeighbourRequest {
  blocks: readonly NeighbourQueries[];
  /** @param queries of all blocks together */
  keptOf?: (queries: RowRange) => KeptRows[];
}

/**
 * Finds the nearest neighbours of blocks of queries on the pool, among the rows that are the first of their equals.
 *
 * @param stage what the search is called to whoever watches
 * @returns lists of each block, a measure
 */
export async function searchBlocks(
  run: SearchedRun,
  asked: AskedBlocks,
  stage: string,
  { executor, stopwatch }: Pick<RunContext, 'executor' | 'stopwatch'>,
): Promise<NeighbourLists[][]> {
  const total = asked.blocks.reduce((sum, { own }) => sum + own.length, 0);
  const found: NeighbourLists[][] = [];
  await stopwatch.time(stage, total, (advance) =>
    runTasks(tellRows(executor, advance), 'neighbours', blockInputs(run, asked), ({ lists }, block) => {
      found[block] = lists;
    }),
  );
  return found;
}

function* blockInputs(
  run: SearchedRun,
  { blocks, keptOf, ...request }: AskedBlocks,
): Generator<NeighboursInput> {
  const common = searchInput(run, request);
  let first = 0;
  for (const queries of blocks) {
    const count = queries.own.length;
    yield { ...common, queries, kept: keptOf?.({ first, count }) ?? null, rows: { count } };
    first += count;
  }
}

/** What every task of a search needs to know. */
export function searchInput(
  { partitions, rows, backend }: SearchedRun,
  { k, measures }: NeighbourRequest,
): SearchInput {
  return {
    partitions,
    k,
    measures,
    spaces: Object.fromEntries(spacesOf(measures).map((name) => [name, rows.spaces[name]])),
    isFirst: Uint8Array.from(rows.equal.first, (lowest, row) => (lowest === row ? 1 : 0)),
    backend: backend.choice,
  };
}

/** Divides rows of which none are equal into blocks of queries. @param ids rising; @param d hidden size */
export function rowBlocks(ids: Int32Array, d: number): NeighbourQueries[] {
  return queryBlocks(ids.length, d).map(({ first, count }) => ({
    own: ids.slice(first, first + count),
    projections: null,
    isCentred: true,
  }));
}

/** The rows that are the first of their equals among which some tokens are, rising. */
export function distinctRows(tokens: Int32Array, { equal: { first } }: MeasuredRows): Int32Array {
  return Int32Array.from(new Set(tokens.map((token) => first[token]!))).sort();
}

/**
 * Lists the neighbours of some tokens, copies of rows among them, by what was found of distinct rows.
 *
 * @param distinct see `distinctRows`
 * @param found lists of every block of these, a measure
 */
export function listsOfTokens(
  tokens: Int32Array,
  { distinct, found, k, measures }: NeighbourRequest & { distinct: Int32Array; found: NeighbourLists[][] },
  rows: MeasuredRows,
): MeasuredNeighbours[] {
  const places = new Map(Array.from(distinct, (id, place) => [id, place]));
  return measures.map((measure, m) => {
    const wanted = Array.from(tokens, (own): WantedList => {
      const isDefined = hasMeasure(measure, rows, own);
      return { own, place: isDefined ? places.get(rows.equal.first[own]!)! : null };
    });
    return withCopies(wanted, { k, ...joinedLists(found.map((block) => block[m]!)) }, rows.equal);
  });
}

function hasMeasure(measure: NeighbourMeasure, { spaces }: MeasuredRows, row: number): boolean {
  const { space, isCosine } = measureDefinitions[measure];
  return !isCosine || spaces[space].norms[row]! > 0;
}

/** Joins the lists of blocks that follow each other. */
export function joinedLists(parts: readonly NeighbourLists[]): NeighbourLists {
  const length = parts.reduce((sum, { ids }) => sum + ids.length, 0);
  const lists = { ids: new Int32Array(length), values: new Float64Array(length) };
  let at = 0;
  for (const { ids, values } of parts) {
    lists.ids.set(ids, at);
    lists.values.set(values, at);
    at += ids.length;
  }
  return lists;
}
