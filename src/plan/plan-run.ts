import { type RowRange, splitRows } from './row-ranges.js';

/**
 * Rows of one scan or covariance task. Fixed, so that mean, covariance and eigenbasis are the same bits for any
 * number of workers and any partition size.
 */
export const SCAN_ROWS = 8192;

/**
 * Rows that a task reads and decodes at a time: large enough for the product's peak rate, small enough to stay near
 * the cache.
 */
export const STRIP_ROWS = 512;

/**
 * Where the partitions lie in the output directory, a folder for each format: readers that are given a folder take every
 * file in it.
 */
export const PROJECTIONS_FOLDER = 'projections';
export const partitionFolders = ['', '/parquet', '/arrow'].map((format) => `${PROJECTIONS_FOLDER}${format}`);

/** One partition of the output: which rows it holds and what its files are called. */
export interface Partition {
  index: number;
  rows: RowRange;
  /** Paths relative to the output directory, of the formats asked for. */
  parquet: string | null;
  arrow: string | null;
}

/** The partition's files, relative to the output directory. */
export function filesOf({ parquet, arrow }: Partition): string[] {
  return [parquet, arrow].filter((file) => file !== null);
}

export interface Plan {
  /** Rows V and hidden size d of the checkpoint's matrix. */
  rows: number;
  hidden: number;
  partitionRows: number;
  scans: RowRange[];
  partitions: Partition[];
}

/** The whole run as plain data: it can be printed, compared and replayed. */
export function planRun(options: {
  rows: number;
  hidden: number;
  partitionRows: number;
  format: PartitionFormat;
}): Plan {
  const { rows, hidden, format } = options;
  const partitionRows = Math.min(options.partitionRows, rows);
  const ranges = splitRows(rows, partitionRows);
  const digits = Math.max(5, String(ranges.length - 1).length);
  const partitions = ranges.map((range, index) => {
    const stem = `part-${String(index).padStart(digits, '0')}`;
    return {
      index,
      rows: range,
      parquet: format === 'arrow' ? null : `${PROJECTIONS_FOLDER}/parquet/${stem}.parquet`,
      arrow: format === 'parquet' ? null : `${PROJECTIONS_FOLDER}/arrow/${stem}.arrow`,
    };
  });
  return { rows, hidden, partitionRows, scans: splitRows(rows, SCAN_ROWS), partitions };
}

/** The formats of partitions that can be asked for. */
export const partitionFormats = ['parquet', 'arrow', 'both'] as const;
export type PartitionFormat = (typeof partitionFormats)[number];
