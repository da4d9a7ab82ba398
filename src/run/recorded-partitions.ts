import type { ExpectedFile } from '../files/file-record.js';
import type { Manifest } from '../output/manifest.js';
import type { RowRange } from '../plan/row-ranges.js';

/** A partition as it lies on disk, with what was recorded of it. */
export interface RecordedPartition {
  rows: RowRange;
  parquet: ExpectedFile | null;
  arrow: ExpectedFile | null;
}

/** The partitions of a finished run, in order. */
export function recordedPartitions({ partitions }: Pick<Manifest, 'partitions'>): RecordedPartition[] {
  return partitions.map(({ first, count, files }) => ({
    rows: { first, count },
    parquet: files.find((file) => file.path.endsWith('.parquet')) ?? null,
    arrow: files.find((file) => file.path.endsWith('.arrow')) ?? null,
  }));
}
