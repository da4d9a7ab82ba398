import path from 'node:path';
import { syncFiles } from '../files/sync-files.js';
import { createTable, type GrowingTable, type TableColumn } from '../formats/parquet-table.js';
import type { RowSource } from '../input/checkpoint.js';
import type { Manifest } from '../output/manifest.js';
import { TABLE_NAMES, type TableName } from '../output/manifest.js';
import { CLUSTER_THRESHOLD } from '../tables/clusters.js';
import { eigenvectorTable } from '../tables/eigenvector-table.js';
import { extremeTable } from '../tables/extreme-table.js';
import { QUANTILE_ERROR } from '../tables/fine-grid.js';
import { histogramTable } from '../tables/histogram-table.js';
import type { MergedTables } from '../tables/merged-tables.js';
import type { SpectrumSource } from '../tables/spectrum.js';
import { tableSummary } from '../tables/table-summary.js';
import { tokenTable } from '../tables/token-table.js';
import type { Vocabulary } from '../tables/vocabulary.js';
import { readDuplicates } from './read-duplicates.js';

/** Where tables go, and what they hold beside what the partitions tell. */
export interface TablesTarget {
  /** Absolute. */
  directory: string;
  /** Rows of the checkpoint, of which equal ones are found. */
  source: RowSource;
  /** Key-value metadata of the files. */
  metadata: Record<string, string>;
  rowHashes: BigUint64Array;
  vocabulary: Vocabulary;
  /** Bias of each token's logit, [V]; null where there is none. */
  logitBias: Float64Array | null;
  /** Weights of the rows, [V]; null where all are alike. */
  weights: Float64Array | null;
}

/**
 * Writes the four tables of a run, and says what the manifest says of them. None appears before all are written.
 *
 * @param spectrum is asked for when the tables are written that do not need it: meanwhile it may be in the making
 * @param merged the parts of all partitions
 */
export async function writeTables(
  { directory, source, metadata, rowHashes, vocabulary, logitBias, weights }: TablesTarget,
  spectrum: () => SpectrumSource | Promise<SpectrumSource>,
  merged: MergedTables,
): Promise<NonNullable<Manifest['tables']>> {
  const duplicates = readDuplicates(source, rowHashes);
  const drafts = new Map<TableName, GrowingTable>();
  const draft = (name: TableName, columns: readonly TableColumn[]) => {
    const table = createTable(directory, TABLE_NAMES[name], metadata);
    drafts.set(name, table);
    table.write(columns);
  };
  try {
    // One after the other, so that the columns of one are in memory.
    draft('tokens', tokenTable(merged, vocabulary, { duplicates, logitBias, weights }));
    draft('extremes', extremeTable(merged, vocabulary));
    draft('histograms', histogramTable(merged));
    const known = await spectrum();
    draft('eigenvectors', eigenvectorTable(merged, known));
    const files = (Object.keys(TABLE_NAMES) as TableName[]).map((name) => drafts.get(name)!.commit());
    await syncFiles(files.map((file) => path.join(directory, file.path)));
    const { bins, lower, upper } = merged.settings.bins;
    return {
      files,
      top: merged.settings.top,
      histogram: { bins, lower, upper },
      clusterThreshold: CLUSTER_THRESHOLD,
      quantileError: QUANTILE_ERROR,
      summary: tableSummary(merged, vocabulary, { duplicates, logitBias }, known),
    };
  } finally {
    for (const table of drafts.values()) table.discard();
  }
}
