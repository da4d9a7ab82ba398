import { runTasks } from '../executor/executor.js';
import type { NeighbourQueries, NeighboursInput, PartitionInput, UnitNeighbours } from '../executor/tasks.js';
import { tellRows } from '../executor/tell-rows.js';
import type { Backend } from '../linalg/backend/backend.js';
import { neighbourUnits } from '../plan/neighbour-units.js';
import type { NeighbourLists } from '../tables/nearest-lists.js';
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

/**
 * Finds the nearest neighbours of blocks of queries on the pool, among the rows that are the first of their equals.
 *
 * @param units the blocks
 * @param onUnit is handed what was found of each block as it comes, in any order
 */
export async function searchUnits(
  { partitions, rows, backend }: SearchedRun,
  { k, measures, units }: NeighbourRequest & { units: readonly NeighbourQueries[] },
  onUnit: (found: UnitNeighbours, unit: number) => void,
  { executor, stopwatch }: Pick<RunContext, 'executor' | 'stopwatch'>,
): Promise<void> {
  const common = {
    partitions,
    k,
    measures,
    spaces: Object.fromEntries(spacesOf(measures).map((name) => [name, rows.spaces[name]])),
    isFirst: Uint8Array.from(rows.equal.first, (lowest, row) => (lowest === row ? 1 : 0)),
    backend: backend.choice,
  };
  const inputs = units.map((queries): NeighboursInput => {
    return { ...common, queries, rows: { count: queries.own.length } };
  });
  const total = inputs.reduce((sum, input) => sum + input.rows.count, 0);
  await stopwatch.time('neighbours', total, (advance) =>
    runTasks(tellRows(executor, advance), 'neighbours', inputs, onUnit),
  );
}

/** Finds the nearest neighbours of blocks of queries as `searchUnits` does. @returns lists of each block, a measure */
export async function collectUnits(
  run: SearchedRun,
  request: NeighbourRequest & { units: readonly NeighbourQueries[] },
  context: Pick<RunContext, 'executor' | 'stopwatch'>,
): Promise<NeighbourLists[][]> {
  const found: NeighbourLists[][] = [];
  const keep = ({ lists }: UnitNeighbours, unit: number) => {
    found[unit] = lists;
  };
  await searchUnits(run, request, keep, context);
  return found;
}

/** Divides rows of which none are equal into blocks of queries. @param ids rising; @param d hidden size */
export function rowUnits(ids: Int32Array, d: number): NeighbourQueries[] {
  return neighbourUnits(ids.length, d).map(({ first, count }) => ({
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
    return withCopies(wanted, { k, ...joinedLists(found.map((unit) => unit[m]!)) }, rows.equal);
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
