import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { InputError } from '../errors.js';
import type { UnitNeighbours } from '../executor/tasks.js';
import { withCleanUp } from '../files/clean-up.js';
import { refuseLost } from '../files/lock.js';
import { writeTable } from '../formats/parquet-table.js';
import { fileMetadata } from '../output/file-metadata.js';
import { type Manifest, NEIGHBOURS_NAME } from '../output/manifest.js';
import { publishNeighbours, readNeighbours } from '../output/neighbour-records.js';
import { directoryStore, type RunStore } from '../output/run-store.js';
import { commitStaged, openStage, settleStage, stageFile } from '../output/staged-files.js';
import { removeUnfinished } from '../output/unfinished-files.js';
import { writeReport } from '../report/write-report.js';
import type { NeighbourLists } from '../tables/nearest-lists.js';
import { measureDefinitions } from '../tables/neighbour-measures.js';
import { neighbourTable } from '../tables/neighbour-table.js';
import type { RunContext } from './context.js';
import type { NeighbourRequest } from './neighbour-options.js';
import type { LockedRun } from './plan-extension.js';
import { distinctRows, listsOfTokens, rowUnits, type SearchedRun, searchUnits } from './search-neighbours.js';

/** Search for the neighbours of all tokens of a run, in units. */
export interface WholeSearch {
  run: SearchedRun;
  request: NeighbourRequest;
  /** SHA-256 (hex) of the request, and of the bytes of the run that it is asked of. */
  sha256: string;
  /** All tokens, and those that are the first of their equals. */
  tokens: Int32Array;
  distinct: Int32Array;
  units: ReturnType<typeof rowUnits>;
}

/** Plans the search for the neighbours of all tokens. */
export function wholeSearch(manifest: Manifest, request: NeighbourRequest, run: SearchedRun): WholeSearch {
  const tokens = Int32Array.from({ length: manifest.model.rows }, (_, id) => id);
  const distinct = distinctRows(tokens, run.rows);
  const units = rowUnits(distinct, manifest.model.hidden);
  return { run, request, sha256: requestHash(manifest, request), tokens, distinct, units };
}

/** SHA-256 (hex) of a request, and of the bytes of the run that it is asked of. */
export function requestHash(
  { fingerprint, partitions }: Pick<Manifest, 'fingerprint' | 'partitions'>,
  { k, measures }: NeighbourRequest,
): string {
  const bytes = partitions.flatMap(({ files }) => files.map((file) => file.sha256));
  return createHash('sha256')
    .update(JSON.stringify([fingerprint, bytes, k, measures]))
    .digest('hex');
}

/** Computes some units of a search, and publishes what each has found. */
export async function computeSearch(
  { run, request, sha256, units }: WholeSearch,
  numbers: readonly number[],
  store: RunStore,
  context: RunContext,
): Promise<void> {
  const publish = ({ lists, seconds }: UnitNeighbours, index: number) => {
    const started = new Date(Date.now() - seconds * 1000).toISOString();
    const about = { request: sha256, ...request, unit: numbers[index]!, units: units.length };
    publishNeighbours(store, { ...about, host: hostname(), started, seconds }, lists);
  };
  const asked = { ...request, units: numbers.map((unit) => units[unit]!) };
  await searchUnits(run, asked, publish, context);
}

/** Computes what is missing of a search, makes the table of all, and commits it to the locked run. */
export async function addNeighbours(
  { directory, manifest, lock, context }: LockedRun,
  search: WholeSearch,
): Promise<Manifest> {
  const { run, request, sha256, tokens, distinct, units } = search;
  const { k, measures } = request;
  const store = directoryStore(directory, { durable: false, lock });
  const found = units.map((_, unit) => readNeighbours(store, { request: sha256, unit }));
  const missing = found.flatMap((lists, unit) => (lists === null ? [unit] : []));
  if (missing.length > 0) await computeSearch(search, missing, store, context);
  for (const unit of missing) found[unit] = readNeighbours(store, { request: sha256, unit });
  const lists = listsOfTokens(
    tokens,
    { k, measures, distinct, found: found as NeighbourLists[][] },
    run.rows,
  );
  return withCleanUp(
    async () => {
      const stage = openStage(directory);
      const withTable = await context.stopwatch.time('table', undefined, async () => {
        const { columns, summary } = neighbourTable(
          measures.map((measure, m) => ({
            measure,
            rootMeanSquare: run.rows.rootMeanSquares[measureDefinitions[measure].space],
            ...lists[m]!,
          })),
        );
        const file = writeTable(stage, NEIGHBOURS_NAME, columns, metadataOf(manifest, request));
        stageFile(directory, file);
        return { ...manifest, neighbours: { file, k, measures, summary } };
      });
      const extended = await withReport(directory, withTable, stage, context);
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

/** Makes the report of a run again that has one: it shows the neighbours now. One that cannot be made stays as it is. */
async function withReport(
  directory: string,
  manifest: Manifest,
  stage: string,
  { stopwatch, note }: RunContext,
): Promise<Manifest> {
  if (manifest.report === null) return manifest;
  try {
    const report = await stopwatch.time('report', undefined, () => writeReport(directory, manifest, stage));
    stageFile(directory, report);
    return { ...manifest, report };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    note(`the report stays without the neighbours: ${error.message}`);
    return manifest;
  }
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
