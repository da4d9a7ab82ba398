import { createHash } from 'node:crypto';
import path from 'node:path';
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import type { FileRecord } from '../executor/tasks.js';
import { createPartialFile } from '../files/partial-file.js';
import { createdBy } from '../version.js';
import type { TableColumn } from './table-column.js';

/** The tables of a run, in its directory. */
export const TABLE_NAMES = {
  tokens: 'tokens.parquet',
  eigenvectors: 'eigenvectors.parquet',
  extremes: 'extremes.parquet',
  histograms: 'histograms.parquet',
} as const;

/** Engines skip whole groups by their statistics; one group is in memory at a time. */
const ROW_GROUP_ROWS = 65_536;

/**
 * Writes a table as Parquet, uncompressed, atomically, and records it. It is on the disk after `syncFiles`.
 * @param metadata key-value metadata of the file
 */
export function writeTable(
  directory: string,
  name: string,
  columns: readonly TableColumn[],
  metadata: Readonly<Record<string, string>>,
): FileRecord {
  const file = createPartialFile(path.join(directory, name));
  const hash = createHash('sha256');
  const writer = new ByteWriter();
  /** Called after every row group, and at the end. */
  const flush = () => {
    const bytes = writer.getBytes();
    hash.update(bytes);
    file.write(bytes);
    writer.index = 0;
  };
  Object.assign(writer, { flush, finish: flush });
  try {
    parquetWrite({
      writer,
      columnData: columns.map((column) => ({ ...column })),
      codec: 'UNCOMPRESSED',
      rowGroupSize: ROW_GROUP_ROWS,
      // No limit: one page for a column of a row group.
      pageSize: 0,
      kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
      createdBy,
    });
    // The coordinator waits for the disk once, for all tables.
    file.commit({ durable: false });
  } finally {
    file.discard();
  }
  return { path: name, bytes: writer.offset, sha256: hash.digest('hex') };
}
