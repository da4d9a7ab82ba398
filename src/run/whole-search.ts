import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { runTasks } from '../executor/executor.js';
import type { NeighbourCandidatesInput } from '../executor/tasks.js';
import { tellRows } from '../executor/tell-rows.js';
import type { Manifest } from '../output/manifest.js';
import { publishCandidates, readCandidates } from '../output/neighbour-records.js';
import type { RunStore } from '../output/run-store.js';
import { DIVISION, type NeighbourUnit, neighbourUnits, shortRowsFirst } from '../plan/neighbour-units.js';
import type { RowRange } from '../plan/row-ranges.js';
import type { NeighbourLists } from '../tables/nearest-lists.js';
import { measureDefinitions } from '../tables/neighbour-measures.js';
import type { RunContext } from './context.js';
import type { NeighbourRequest } from './neighbour-options.js';
import { SearchKnowledge } from './search-knowledge.js';
import { distinctRows, rowBlocks, type SearchedRun, searchBlocks, searchInput } from './search-neighbours.js';

/** Search for the neighbours of all tokens of a run, in units. */
export interface WholeSearch {
  run: SearchedRun;
  request: NeighbourRequest;
  /** SHA-256 (hex) of the request, and of the bytes of the run that it is asked of. */
  sha256: string;
  /** All tokens, and those that are the first of their equals. */
  tokens: Int32Array;
  distinct: Int32Array;
  units: NeighbourUnit[];
}

/** Plans the search for the neighbours of all tokens. */
export function wholeSearch(manifest: Manifest, request: NeighbourRequest, run: SearchedRun): WholeSearch {
  const tokens = Int32Array.from({ length: manifest.model.rows }, (_, id) => id);
  const distinct = distinctRows(tokens, run.rows);
  const { k, measures } = request;
  const about = { rows: distinct.length, d: manifest.model.hidden, k, measures: measures.length };
  const units = neighbourUnits(about);
  return { run, request, sha256: requestHash(manifest, request), tokens, distinct, units };
}

/** SHA-256 (hex) of a request, of the bytes of the run that it is asked of, and of how the search is divided. */
export function requestHash(
  { fingerprint, partitions }: Pick<Manifest, 'fingerprint' | 'partitions'>,
  { k, measures }: NeighbourRequest,
): string {
  const bytes = partitions.flatMap(({ files }) => files.map((file) => file.sha256));
  return createHash('sha256')
    .update(JSON.stringify([DIVISION, fingerprint, bytes, k, measures]))
    .digest('hex');
}

/** Computes some units of a search, publishes what each has found, and adds it to what is known. */
export async function computeSearch(
  search: WholeSearch,
  wanted: readonly number[],
  store: RunStore,
  { context, known = knowledgeOf(search) }: { context: RunContext; known?: SearchKnowledge },
): Promise<void> {
  const { request, sha256, units } = search;
  const numbers = inOrder(search, wanted);
  const total = numbers.reduce((sum, unit) => sum + units[unit]!.share, 0);
  await context.stopwatch.time('neighbours', total, (advance) =>
    runTasks(
      tellRows(context.executor, advance),
      'neighbourCandidates',
      unitInputs(search, numbers, known),
      ({ seconds, ...found }, index) => {
        const unit = numbers[index]!;
        const started = new Date(Date.now() - seconds * 1000).toISOString();
        const about = { request: sha256, ...request, unit, units: units.length };
        publishCandidates(store, { ...about, host: hostname(), started, seconds }, found);
        known.add(found, unit);
      },
    ),
  );
}

/** The order in which units are computed; what is found does not depend on it. */
function inOrder(
  { run, request, distinct, units }: WholeSearch,
  numbers: readonly number[],
): readonly number[] {
  const distance = request.measures.find((measure) => !measureDefinitions[measure].isCosine);
  if (distance === undefined) return numbers;
  const { norms } = run.rows.spaces[measureDefinitions[distance].space];
  return shortRowsFirst(units, numbers, ({ first, count }) => {
    const ids = distinct.subarray(first, first + count);
    return ids.reduce((sum, id) => sum + norms[id]!, 0) / count;
  });
}

/** Inputs of some units, each with what is known when it is taken. */
function* unitInputs(
  { run, request, distinct, units }: WholeSearch,
  numbers: readonly number[],
  known: SearchKnowledge,
): Generator<NeighbourCandidatesInput> {
  const common = searchInput(run, request);
  const idsOf = ({ first, count }: RowRange) => distinct.slice(first, first + count);
  for (const number of numbers) {
    const { group, other, blocks, share } = units[number]!;
    yield {
      ...common,
      group: idsOf(group),
      other: other === null ? null : idsOf(other),
      blocks,
      floors: { group: known.floors(group), other: other === null ? null : known.floors(other) },
      rows: { count: share },
    };
  }
}

/** Computes what is missing of a search, and finds the neighbours among all that may be. @returns lists of blocks, a measure */
export async function searchAll(
  search: WholeSearch,
  store: RunStore,
  context: RunContext,
): Promise<NeighbourLists[][]> {
  const { run, request, sha256, distinct, units } = search;
  const known = knowledgeOf(search);
  const missing: number[] = [];
  for (const unit of units.keys()) {
    const found = readCandidates(store, { request: sha256, unit });
    if (found === null) missing.push(unit);
    else known.add(found, unit);
  }
  if (missing.length > 0) await computeSearch(search, missing, store, { known, context });
  const blocks = rowBlocks(distinct, run.partitions[0]!.hidden);
  return searchBlocks(run, { ...request, blocks, keptOf: (rows) => known.kept(rows) }, 'lists', context);
}

function knowledgeOf({ units, distinct, request }: WholeSearch): SearchKnowledge {
  return new SearchKnowledge(units, distinct.length, request);
}
