import { InputError } from '../errors.js';
import { withCleanUp } from '../files/clean-up.js';
import { refuseLost } from '../files/lock.js';
import { writeTable } from '../formats/parquet-table.js';
import { fileMetadata } from '../output/file-metadata.js';
import { type Manifest, NEIGHBOURS_NAME } from '../output/manifest.js';
import { directoryStore } from '../output/run-store.js';
import { commitStaged, openStage, settleStage, stageFile } from '../output/staged-files.js';
import { removeUnfinished } from '../output/unfinished-files.js';
import { writeReport } from '../report/write-report.js';
import { measureDefinitions } from '../tables/neighbour-measures.js';
import { neighbourTable } from '../tables/neighbour-table.js';
import type { RunContext } from './context.js';
import type { NeighbourRequest } from './neighbour-options.js';
import type { LockedRun } from './plan-extension.js';
import { listsOfTokens } from './search-neighbours.js';
import { searchAll, type WholeSearch } from './whole-search.js';

/** Computes what is missing of a search, makes the table of all, and commits it to the locked run. */
export async function addNeighbours(
  { directory, manifest, lock, context }: LockedRun,
  search: WholeSearch,
): Promise<Manifest> {
  const { run, request, tokens, distinct } = search;
  const { k, measures } = request;
  const found = await searchAll(search, directoryStore(directory, { durable: false, lock }), context);
  const lists = listsOfTokens(tokens, { k, measures, distinct, found }, run.rows);
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
