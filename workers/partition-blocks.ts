import type { PartitionInput } from '../src/executor/tasks.js';
import type { DirectRead } from '../src/files/direct-io.js';
import type { ExpectedFile } from '../src/files/file-record.js';
import { type ParquetLayout, planParquet } from '../src/formats/parquet.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { createdBy } from '../src/version.js';
import { arrowBlocks } from './arrow-blocks.js';
import type { ColumnBlock } from './column-block.js';
import type { Findings } from './file-digest.js';
import type { PartitionColumns } from './measure-tables.js';
import { parquetBlocks } from './parquet-blocks.js';

/** Layout of a partition's Parquet file; null where it has none. */
export function layoutOf({ rows, hidden, parquet, metadata }: PartitionInput): ParquetLayout | null {
  if (parquet === null) return null;
  return planParquet({
    firstRow: rows.first,
    rowCount: rows.count,
    columns: hidden,
    metadata,
    createdBy,
  });
}

/** Bytes of the region of a whole partition: its Parquet file, or the rows of its Arrow file by columns. */
export function blockBytes(
  { rows, hidden, arrow }: Pick<PartitionInput, 'rows' | 'hidden' | 'arrow'>,
  layout: ParquetLayout | null,
): number {
  return Math.max(layout === null ? 0 : layout.bytes, arrow === null ? 0 : rows.count * hidden * 4);
}

/**
 * Projections of a partition as each of its formats holds them, block by block: Parquet first. What is wrong with a file
 * is known, and added to `findings`, when all of its blocks have been taken.
 *
 * @param regions `block` for the whole partition, see `blockBytes`; `strip` for some rows of an Arrow file
 * @param ahead the Parquet file on its way into `block`; null where it is not
 */
export async function blocksOfFormats(
  input: PartitionInput,
  layout: ParquetLayout | null,
  { block, strip }: { block: Region; strip: Region },
  findings: Findings,
  ahead: DirectRead | null = null,
): Promise<AsyncIterable<ColumnBlock>[]> {
  const { parquet, arrow } = input;
  return [
    parquet && layout && parquetBlocks(input, parquet, { layout, image: block, ahead }, findings),
    arrow && (await arrowBlocksOf(input, arrow, { block, strip }, findings)),
  ].filter((blocks) => blocks !== null);
}

/** Offset and stride of the projections of the whole partition, which lies in `block` after all of its blocks. */
export function partitionAt(
  block: Region,
  layout: ParquetLayout | null,
  rows: number,
): Pick<PartitionColumns, 'offset' | 'columnStride'> {
  if (layout === null) return { offset: block.offset, columnStride: rows * 4 };
  return { offset: block.offset + layout.firstDataOffset, columnStride: layout.columnStride };
}

/**
 * Reads an Arrow partition; what plans it is loaded only where it is needed: apache-arrow takes 90 ms and 20 MB of every
 * thread.
 */
async function arrowBlocksOf(
  input: PartitionInput,
  record: ExpectedFile,
  regions: { block: Region; strip: Region },
  findings: Findings,
): Promise<AsyncIterable<ColumnBlock>> {
  const { planArrow } = await import('../src/formats/arrow.js');
  const { rows, hidden: columns, metadata } = input;
  const layout = await planArrow({ firstRow: rows.first, rowCount: rows.count, columns, metadata });
  return arrowBlocks(input, record, { layout, ...regions }, findings);
}
