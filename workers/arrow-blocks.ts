import type { PartitionInput } from '../src/executor/tasks.js';
import type { ExpectedFile } from '../src/files/file-record.js';
import type { ArrowLayout } from '../src/formats/arrow.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { splitRows } from '../src/plan/row-ranges.js';
import type { ColumnBlock } from './column-block.js';
import { kernels } from './context.js';
import type { Findings } from './file-digest.js';
import { type PlannedFile, plannedBlocks } from './planned-blocks.js';

/**
 * Reads an Arrow partition, and yields its projections, strip by strip. All rows are in `block` in the end; `strip` has
 * room for some.
 */
export function arrowBlocks(
  { directory }: Pick<PartitionInput, 'directory'>,
  record: ExpectedFile,
  { layout, block, strip }: { layout: ArrowLayout; block: Region; strip: Region },
  findings: Findings,
): AsyncGenerator<ColumnBlock> {
  return plannedBlocks(directory, { record, bytes: layout.bytes, ahead: null }, findings, (file) =>
    readStrips(layout, { block, strip }, file),
  );
}

async function* readStrips(
  { head, rowCount, columns: d, tail }: ArrowLayout,
  { block, strip }: { block: Region; strip: Region },
  { read, compare }: PlannedFile,
): AsyncGenerator<ColumnBlock> {
  await compare(head, 'schema, or the column of token ids,');
  const columnStride = rowCount * 4;
  for (const { first, count } of splitRows(rowCount, STRIP_ROWS)) {
    const offset = block.offset + first * 4;
    await read(strip.bytes.subarray(0, count * d * 4));
    kernels.transposeRows(strip.offset, count, d, offset, columnStride);
    yield {
      firstRow: first,
      rows: count,
      firstColumn: 0,
      columns: d,
      offset,
      columnStride,
    };
  }
  await compare(tail, 'footer');
}
