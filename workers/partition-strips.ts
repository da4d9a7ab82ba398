import path from 'node:path';
import type { PartitionInput } from '../src/executor/tasks.js';
import { withFileSync } from '../src/files/open-file.js';
import { readFully } from '../src/files/read-fully.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { type RowRange, splitRows } from '../src/plan/row-ranges.js';
import { kernels } from './context.js';
import { endIfInterrupted } from './interruption.js';
import { layoutOf } from './partition-blocks.js';

/** Bytes of the regions that `forEachPartitionStrip` fills: columns of a partition, and rows of it. */
export function partitionStripSizes(partitions: readonly PartitionInput[]): { block: number; strip: number } {
  const blocks = partitions.map((partition) => layoutOf(partition)?.footerOffset ?? 0);
  const strips = partitions.map(({ rows, hidden }) => Math.min(STRIP_ROWS, rows.count) * hidden * 4);
  return { block: Math.max(...blocks), strip: Math.max(...strips) };
}

/**
 * Reads the projections of a partition, whose files are known to be as they were recorded, strip by strip. Before each call
 * of `visit` the strip's rows lie as float32 [count, d] at the start of `strip`.
 *
 * @param visit is given the rows [first, first + count) within the partition
 */
export async function forEachPartitionStrip(
  partition: PartitionInput,
  { block, strip }: { block: Region; strip: Region },
  visit: (rows: RowRange) => Promise<void>,
): Promise<void> {
  const { rows, hidden: d, directory, parquet, arrow } = partition;
  const layout = layoutOf(partition);
  if (layout !== null) {
    const { firstDataOffset, footerOffset } = layout;
    const bytes = block.bytes.subarray(firstDataOffset, footerOffset);
    readPart(path.join(directory, parquet!.path), bytes, firstDataOffset);
  }
  const headBytes = layout === null ? await arrowHeadBytes(partition) : 0;
  for (const range of splitRows(rows.count, STRIP_ROWS)) {
    endIfInterrupted();
    const { first, count } = range;
    if (layout === null) {
      const bytes = strip.bytes.subarray(0, count * d * 4);
      readPart(path.join(directory, arrow!.path), bytes, headBytes + first * d * 4);
    } else {
      const from = block.offset + layout.firstDataOffset + first * 4;
      kernels.gatherRows(from, layout.columnStride, count, d, strip.offset);
    }
    await visit(range);
  }
}

function readPart(file: string, bytes: Uint8Array, position: number): void {
  withFileSync(file, 'the partition', (descriptor) => readFully(descriptor, bytes, position, file));
}

/** Bytes before the first row of an Arrow partition; what plans it is loaded only where it is needed. */
async function arrowHeadBytes({ rows, hidden: columns, metadata }: PartitionInput): Promise<number> {
  const { planArrow } = await import('../src/formats/arrow.js');
  const { head } = await planArrow({ firstRow: rows.first, rowCount: rows.count, columns, metadata });
  return head.length;
}
