import path from 'node:path';
import type { FileRecord } from '../files/file-record.js';
import { syncFiles } from '../files/sync-files.js';
import { type TableColumn, writeTable } from '../formats/parquet-table.js';
import type { RowSource } from '../input/checkpoint.js';
import type { Manifest } from '../output/manifest.js';
import { TABLE_NAMES } from '../output/manifest.js';
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
 * Writes the four tables of a run, and says what the manifest says of them.
 * @param merged the parts of all partitions
 */
export async function writeTables(
  { directory, source, metadata, rowHashes, vocabulary, logitBias, weights }: TablesTarget,
  spectrum: SpectrumSource,
  merged: MergedTables,
): Promise<NonNullable<Manifest['tables']>> {
  const duplicates = readDuplicates(source, rowHashes);
  const write = (name: keyof typeof TABLE_NAMES, columns: readonly TableColumn[]): FileRecord =>
    writeTable(directory, TABLE_NAMES[name], columns, metadata);
  // One after the other, so that the columns of one are in memory.
  const files = [
    write('tokens', tokenTable(merged, vocabulary, { duplicates, logitBias, weights })),
    write('eigenvectors', eigenvectorTable(merged, spectrum)),
    write('extremes', extremeTable(merged, vocabulary)),
    write('histograms', histogramTable(merged)),
  ];
  await syncFiles(files.map((file) => path.join(directory, file.path)));
  const { bins, lower, upper } = merged.settings.bins;
  return {
    files,
    top: merged.settings.top,
    histogram: { bins, lower, upper },
    clusterThreshold: CLUSTER_THRESHOLD,
    quantileError: QUANTILE_ERROR,
    summary: tableSummary(merged, vocabulary, { duplicates, logitBias }, spectrum),
  };
}
