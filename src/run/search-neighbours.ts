import { runTasks } from '../executor/executor.js';
import type { NeighbourLists, NeighboursInput, PartitionInput } from '../executor/tasks.js';
import { tellRows } from '../executor/tell-rows.js';
import type { Backend } from '../linalg/backend/backend.js';
import { fileMetadata } from '../output/file-metadata.js';
import type { Manifest } from '../output/manifest.js';
import { neighbourUnits } from '../plan/neighbour-units.js';
import { type MeasuredNeighbours, withCopies } from '../tables/neighbour-lists.js';
import { measureDefinitions, type NeighbourMeasure, spacesOf } from '../tables/neighbour-measures.js';
import type { RunContext } from './context.js';
import type { MeasuredRows } from './measure-rows.js';
import { recordedPartitions } from './recorded-partitions.js';

/** What is asked for: k neighbours of every token, by each of some measures. */
export interface NeighbourRequest {
  k: number;
  measures: NeighbourMeasure[];
}

/** Where units put what they have found, and find what was found before. */
export interface NeighbourParts {
  read(unit: number): NeighbourLists[] | null;
  publish(unit: number, lists: NeighbourLists[]): void;
}

/** The partitions of a finished run, as tasks take them. */
export function partitionInputs(directory: string, manifest: Manifest): PartitionInput[] {
  const { model, fingerprint, layout } = manifest;
  const metadata = fileMetadata(fingerprint, layout, model.name);
  return recordedPartitions(manifest).map((partition) => ({
    ...partition,
    hidden: model.hidden,
    directory,
    metadata,
  }));
}

/**
 * Finds the nearest neighbours of some tokens on the pool.
 *
 * @param tokens in any order, of which equal rows are looked at once
 * @param parts keeps what each unit has found; null where nothing is kept
 * @returns lists of every measure, in the order of `tokens`
 */
export async function searchNeighbours(
  { partitions, rows }: { partitions: PartitionInput[]; rows: MeasuredRows },
  { tokens, k, measures }: NeighbourRequest & { tokens: Int32Array },
  { backend, parts }: { backend: Backend; parts: NeighbourParts | null },
  { executor, stopwatch }: Pick<RunContext, 'executor' | 'stopwatch'>,
): Promise<MeasuredNeighbours[]> {
  const { first } = rows.equal;
  const queries = Int32Array.from(new Set(tokens.map((token) => first[token]!))).sort();
  const units = neighbourUnits(queries, partitions[0]!.hidden);
  const found: NeighbourLists[][] = [];
  const missing = units.flatMap((_, unit) => {
    const lists = parts?.read(unit) ?? null;
    if (lists !== null) found[unit] = lists;
    return lists === null ? [unit] : [];
  });
  const common = {
    partitions,
    k,
    measures,
    spaces: Object.fromEntries(spacesOf(measures).map((name) => [name, rows.spaces[name]])),
    isFirst: Uint8Array.from(first, (lowest, row) => (lowest === row ? 1 : 0)),
    backend: backend.choice,
  };
  const inputs = missing.map((unit): NeighboursInput => {
    // A part of a larger array would be sent as a whole.
    const own = units[unit]!.slice();
    return { ...common, queries: own, rows: { count: own.length } };
  });
  const total = inputs.reduce((sum, input) => sum + input.rows.count, 0);
  await stopwatch.time('neighbours', total, (advance) =>
    runTasks(tellRows(executor, advance), 'neighbours', inputs, ({ lists }, index) => {
      const unit = missing[index]!;
      parts?.publish(unit, lists);
      found[unit] = lists;
    }),
  );
  return measures.map((measure, m) => {
    const { space, isCosine } = measureDefinitions[measure];
    const { norms } = rows.spaces[space];
    const lists = joinedLists(found.map((unit) => unit[m]!));
    return withCopies(tokens, { queries, k, ...lists }, rows.equal, (row) => !isCosine || norms[row]! > 0);
  });
}

function joinedLists(parts: readonly NeighbourLists[]): NeighbourLists {
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
