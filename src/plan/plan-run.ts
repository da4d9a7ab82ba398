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

/** Folder of the partitions in the output directory. */
export const PROJECTIONS_FOLDER = 'projections';
/** Folders of partitions, one for each format: readers that are given a folder take every file in it. */
export const partitionFolders = ['', '/parquet', '/arrow'].map((format) => `${PROJECTIONS_FOLDER}${format}`);

/** Partition of the output: the rows that it holds, and the names of its files. */
export interface Partition {
  index: number;
  rows: RowRange;
  /** Path of the Parquet file, relative to the output directory; null where none is asked for. */
  parquet: string | null;
  /** Path of the Arrow file, relative to the output directory; null where none is asked for. */
  arrow: string | null;
}

/** Paths of a partition's files, relative to the output directory. */
export function filesOf({ parquet, arrow }: Partition): string[] {
  return [parquet, arrow].filter((file) => file !== null);
}

/** Division of a run into tasks, as plain data. */
export interface Plan {
  /** Rows V of the checkpoint's matrix. */
  rows: number;
  /** Hidden size d. */
  hidden: number;
  /** Rows of every partition but the last. */
  partitionRows: number;
  /** Rows of each scan and covariance task. */
  scans: RowRange[];
  partitions: Partition[];
}

/** Plans a whole run as plain data, which can be printed, compared and replayed. */
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

/** Formats of partitions that can be asked for. */
export const partitionFormats = ['parquet', 'arrow', 'both'] as const;
/** Format of partitions that can be asked for. */
export type PartitionFormat = (typeof partitionFormats)[number];
