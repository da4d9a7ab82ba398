import path from 'node:path';
import type { StoredBasis } from '../checks/basis-check.js';
import type { FileRecord, TableSettings } from '../executor/tasks.js';
import { syncFiles } from '../files/sync-files.js';
import { dtypeBytes } from '../formats/dtype.js';
import { TABLE_NAMES, writeTable } from '../formats/parquet-table.js';
import type { RowSource } from '../input/checkpoint.js';
import { openRows } from '../input/rows.js';
import type { Manifest } from '../output/manifest.js';
import { CLUSTER_THRESHOLD } from '../tables/clusters.js';
import { duplicateGroups } from '../tables/duplicates.js';
import { eigenvectorTable } from '../tables/eigenvector-table.js';
import { extremeTable } from '../tables/extreme-table.js';
import { LISTS } from '../tables/extremes.js';
import { QUANTILE_ERROR } from '../tables/fine-grid.js';
import { histogramTable } from '../tables/histogram-table.js';
import type { MergedTables } from '../tables/merged-tables.js';
import { spectralSummary } from '../tables/spectral-summary.js';
import { distortions, tokenTable } from '../tables/token-table.js';
import { readVocabulary, type Vocabulary } from '../tables/vocabulary.js';
import { chooseZBins } from '../tables/z-bins.js';

/** Strongest directions of a token that its table names. */
const PLACES = 8;

/** @param means m = mu V, [d]; @param rows V; @param top tokens in a list of extremes, fewer where there are fewer */
export function tableSettings(
  lambda: Float64Array,
  means: Float64Array,
  { rows, top }: { rows: number; top: number },
): TableSettings {
  const norm = (weight: (j: number) => number) =>
    Math.sqrt(means.reduce((sum, m, j) => sum + weight(j) * m * m, 0));
  return {
    means,
    centroidNorm: norm(() => 1),
    causalCentroidNorm: norm((j) => lambda[j]!),
    places: Math.min(PLACES, means.length),
    top: Math.min(top, rows),
    floors: new Float64Array(means.length * LISTS).fill(Number.NEGATIVE_INFINITY),
    bins: chooseZBins(lambda, means),
  };
}

/** Writes the four tables, and says what the manifest says of them. */
export async function writeTables(
  tables: MergedTables,
  options: {
    directory: string;
    /** Directory or file of the checkpoint, which may have a tokenizer. */
    checkpoint: string;
    source: RowSource;
    rowHashes: BigUint64Array;
    basis: StoredBasis;
    metadata: Record<string, string>;
  },
): Promise<NonNullable<Manifest['tables']>> {
  const { directory, checkpoint, source, rowHashes, basis, metadata } = options;
  const vocabulary = await readVocabulary(checkpoint, source.rows);
  const duplicates = readDuplicates(source, rowHashes);
  const write = (name: keyof typeof TABLE_NAMES, columns: Parameters<typeof writeTable>[2]): FileRecord =>
    writeTable(directory, TABLE_NAMES[name], columns, metadata);
  // One after the other, so that the columns of one are in memory.
  const files = [
    write('tokens', tokenTable(tables, vocabulary, duplicates)),
    write('eigenvectors', eigenvectorTable(tables, basis)),
    write('extremes', extremeTable(tables, vocabulary)),
    write('histograms', histogramTable(tables)),
  ];
  await syncFiles(files.map((file) => path.join(directory, file.path)));
  const { bins, lower, upper } = tables.settings.bins;
  return {
    files,
    top: tables.settings.top,
    histogram: { bins, lower, upper },
    clusterThreshold: CLUSTER_THRESHOLD,
    quantileError: QUANTILE_ERROR,
    summary: summarise(tables, vocabulary, duplicates, basis),
  };
}

function readDuplicates(source: RowSource, rowHashes: BigUint64Array): Int32Array {
  const rows = openRows(source);
  try {
    return duplicateGroups(rowHashes, (row) => {
      const bytes = new Uint8Array(source.columns * dtypeBytes[source.dtype]);
      rows.read(row, 1, bytes);
      return bytes;
    });
  } finally {
    rows.close();
  }
}

function summarise(
  { rows, zeroRows, tokens }: MergedTables,
  { isOrphan, isSpecial }: Vocabulary,
  duplicates: Int32Array,
  { eigenvalues, covarianceEigenvalues }: StoredBasis,
): NonNullable<Manifest['tables']>['summary'] {
  const hasTokenizer = isOrphan[0] !== null;
  const count = (flags: readonly (boolean | null)[]) =>
    hasTokenizer ? flags.reduce((sum, flag) => sum + (flag ? 1 : 0), 0) : null;
  const orphans = count(isOrphan);
  const grouped = duplicates.filter((group) => group >= 0);
  const defined = distortions(tokens).filter((distortion) => !Number.isNaN(distortion));
  return {
    spectrum: spectralSummary(eigenvalues, covarianceEigenvalues),
    norms: {
      euclidean: moments(tokens.norm),
      causal: moments(tokens.causalNorm),
      centred: moments(tokens.centredNorm),
      centredCausal: moments(tokens.causalCentredNorm),
    },
    distortionMean: defined.length === 0 ? null : mean(defined),
    counts: {
      rows,
      tokens: orphans === null ? null : rows - orphans,
      orphans,
      specials: count(isSpecial),
      duplicateGroups: new Set(grouped).size,
      duplicateRows: grouped.length,
      zeroRows,
    },
  };
}

function moments(values: Float64Array) {
  const centre = mean(values);
  return {
    minimum: values.reduce((a, b) => Math.min(a, b)),
    maximum: values.reduce((a, b) => Math.max(a, b)),
    mean: centre,
    standardDeviation: Math.sqrt(mean(values.map((value) => (value - centre) ** 2))),
  };
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
