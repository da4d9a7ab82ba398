import type { PartitionInput } from '../src/executor/tasks.js';
import type { DirectRead } from '../src/files/direct-io.js';
import type { ExpectedFile } from '../src/files/file-record.js';
import { type ParquetLayout, parquetHead } from '../src/formats/parquet.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { splitRows } from '../src/plan/row-ranges.js';
import type { ColumnBlock } from './column-block.js';
import type { Findings } from './file-digest.js';
import { type PlannedFile, plannedBlocks } from './planned-blocks.js';

/** Columns read at a time: their bytes stay in the cache between hashing and folding. */
const BLOCK_COLUMNS = 32;

/**
 * Reads a Parquet partition, and yields its projections. The whole file is in `image` in the end.
 *
 * @param source.ahead the file on its way into `image`; null where it is not
 */
export function parquetBlocks(
  { directory }: Pick<PartitionInput, 'directory'>,
  record: ExpectedFile,
  { layout, image, ahead }: { layout: ParquetLayout; image: Region; ahead: DirectRead | null },
  findings: Findings,
): AsyncGenerator<ColumnBlock> {
  return plannedBlocks(directory, { record, bytes: layout.bytes, ahead }, findings, (file) =>
    readBlocks(layout, image, file),
  );
}

async function* readBlocks(
  layout: ParquetLayout,
  image: Region,
  { read, compare }: PlannedFile,
): AsyncGenerator<ColumnBlock> {
  const { columnHeader, columnStride, footer, footerOffset, bytes } = layout;
  const head = parquetHead(layout);
  await compare(head, 'column of token ids', await read(image.bytes.subarray(0, head.length)));
  for (const { first, count } of splitRows(layout.columns, BLOCK_COLUMNS)) {
    const start = head.length + first * columnStride;
    const stored = await read(image.bytes.subarray(start, start + count * columnStride));
    for (let j = 0; j < count; j++) {
      const header = stored.subarray(j * columnStride, j * columnStride + columnHeader.length);
      await compare(columnHeader, `page header of column ${first + j}`, header);
    }
    yield {
      firstRow: 0,
      rows: layout.rowCount,
      firstColumn: first,
      columns: count,
      offset: image.offset + start + columnHeader.length,
      columnStride,
    };
  }
  await compare(footer, 'footer', await read(image.bytes.subarray(footerOffset, bytes)));
}
