import path from 'node:path';
import type { PartitionInput } from '../src/executor/tasks.js';
import { withFileSync } from '../src/files/open-file.js';
import { readFully } from '../src/files/read-fully.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { splitRows } from '../src/plan/row-ranges.js';
import { kernels } from './context.js';
import { endIfInterrupted } from './interruption.js';
import { blockBytes, layoutOf, partitionAt } from './partition-blocks.js';

/** Where a matrix lies in kernel memory by columns, float32. */
export interface ColumnsAt {
  /** Pointer to the first value. */
  offset: number;
  /** Bytes from a column to the next. */
  columnStride: number;
}

/** Bytes that kernels may read beyond a column's end. */
const BEYOND = 64;

/** Bytes of the regions that `readColumns` fills: of a partition by columns, and of some rows of an Arrow file. */
export function columnBytes(partitions: readonly PartitionInput[]): { block: number; strip: number } {
  const bytes = partitions.map((input) => blockBytes(input, layoutOf(input)));
  const { rows, hidden } = partitions.reduce((a, b) => (b.rows.count > a.rows.count ? b : a));
  return { block: Math.max(...bytes) + BEYOND, strip: Math.min(STRIP_ROWS, rows.count) * hidden * 4 };
}

/**
 * Reads the projections of a partition whole, of one of its formats, without checksums: whoever reads a partition over and
 * over has compared them before.
 *
 * @param regions see `columnBytes`
 */
export async function readColumns(
  input: PartitionInput,
  { block, strip }: { block: Region; strip: Region },
): Promise<ColumnsAt> {
  const { rows, hidden: d, directory, arrow } = input;
  const layout = layoutOf(input);
  if (layout !== null && input.parquet !== null) {
    const file = path.join(directory, input.parquet.path);
    withFileSync(file, 'the partition', (descriptor) => {
      const { firstDataOffset, footerOffset } = layout;
      readFully(descriptor, block.bytes.subarray(firstDataOffset, footerOffset), firstDataOffset, file);
    });
    return partitionAt(block, layout, rows.count);
  }
  // Loaded only where it is needed: apache-arrow takes 90 ms and 20 MB of every thread.
  const { planArrow } = await import('../src/formats/arrow.js');
  const { head } = await planArrow({
    firstRow: rows.first,
    rowCount: rows.count,
    columns: d,
    metadata: input.metadata,
  });
  const file = path.join(directory, arrow!.path);
  const columnStride = rows.count * 4;
  withFileSync(file, 'the partition', (descriptor) => {
    for (const { first, count } of splitRows(rows.count, STRIP_ROWS)) {
      readFully(descriptor, strip.bytes.subarray(0, count * d * 4), head.length + first * d * 4, file);
      kernels.transposeRows(strip.offset, count, d, block.offset + first * 4, columnStride);
    }
  });
  return { offset: block.offset, columnStride };
}

/** Reads partitions one after the other into the same memory. */
export class PartitionReader {
  readonly #regions: { block: Region; strip: Region };
  #held: { partition: PartitionInput; columns: ColumnsAt } | undefined;

  constructor(regions: { block: Region; strip: Region }) {
    this.#regions = regions;
  }

  /** Reads a partition, unless it is the one that lies there. */
  async read(partition: PartitionInput): Promise<ColumnsAt> {
    endIfInterrupted();
    if (this.#held?.partition !== partition)
      this.#held = { partition, columns: await readColumns(partition, this.#regions) };
    return this.#held.columns;
  }
}
