import type { PartitionInput } from '../src/executor/tasks.js';
import type { ExpectedFile } from '../src/files/file-record.js';
import { type ParquetLayout, parquetHead } from '../src/formats/parquet.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { splitRows } from '../src/plan/row-ranges.js';
import type { ColumnBlock } from './column-block.js';
import type { Findings } from './file-digest.js';
import { type PlannedFile, plannedBlocks } from './planned-blocks.js';

/** Columns read at a time: their bytes stay in the cache between hashing and folding. */
const BLOCK_COLUMNS = 32;

/** Bytes of the region that `parquetBlocks` fills: all columns of projections. */
export function parquetBlockBytes({ columns, columnStride }: ParquetLayout): number {
  return columns * columnStride;
}

/** Reads a Parquet partition, and yields its projections. All columns are in `block` in the end. */
export function parquetBlocks(
  { directory }: Pick<PartitionInput, 'directory'>,
  record: ExpectedFile,
  { layout, block }: { layout: ParquetLayout; block: Region },
  findings: Findings,
): Generator<ColumnBlock> {
  return plannedBlocks(directory, { record, bytes: layout.bytes }, findings, (file) =>
    readBlocks(layout, block, file),
  );
}

function* readBlocks(
  layout: ParquetLayout,
  block: Region,
  { read, compare }: PlannedFile,
): Generator<ColumnBlock> {
  compare(parquetHead(layout), 'column of token ids');
  const { columnHeader, columnStride, footer } = layout;
  for (const { first, count } of splitRows(layout.columns, BLOCK_COLUMNS)) {
    const start = first * columnStride;
    const stored = read(block.bytes.subarray(start, start + count * columnStride));
    for (let j = 0; j < count; j++) {
      const header = stored.subarray(j * columnStride, j * columnStride + columnHeader.length);
      compare(columnHeader, `page header of column ${first + j}`, header);
    }
    yield {
      firstRow: 0,
      rows: layout.rowCount,
      firstColumn: first,
      columns: count,
      offset: block.offset + start + columnHeader.length,
      columnStride,
    };
  }
  compare(footer, 'footer');
}
