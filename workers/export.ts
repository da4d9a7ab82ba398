import { closeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { ExportInput, Tasks } from '../src/executor/tasks.js';
import { refuseLost } from '../src/files/lock.js';
import { openToWrite } from '../src/files/open-to-write.js';
import { writeFully } from '../src/files/partial-file.js';
import type { ParquetLayout } from '../src/formats/parquet.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { splitRows } from '../src/plan/row-ranges.js';
import { kernels, memory } from './context.js';
import type { Findings } from './file-digest.js';
import { endIfInterrupted } from './interruption.js';
import { blockBytes, blocksOfFormats, layoutOf, partitionAt } from './partition-blocks.js';
import { rowsReport } from './rows-report.js';

/**
 * Reads one partition whole, in one of its formats, and writes its rows into their stretch of every export. Nothing is
 * written of a partition that is not, to its last byte, as it was recorded.
 *
 * Memory: the partition by columns, and one strip of rows.
 */
export async function exportRows(input: ExportInput): Promise<Tasks['export']['result']> {
  // Both formats hold the same rows, and one of them is enough.
  const read: ExportInput = input.parquet === null ? input : { ...input, arrow: null };
  const { rows, hidden: d } = read;
  const layout = layoutOf(read);
  const strip = Math.min(STRIP_ROWS, rows.count) * d * 4;
  const regions = memory.allot({ strip, block: blockBytes(read, layout) });
  const findings: Findings = { problems: [], files: [] };
  // They are read, then written.
  rowsReport.ofPasses(2);
  for (const blocks of await blocksOfFormats(read, layout, regions, findings)) {
    for await (const part of blocks) {
      endIfInterrupted();
      rowsReport.advance((part.rows * part.columns) / d);
    }
  }
  if (findings.problems.length > 0) return { problems: findings.problems, crc32: 0 };
  return { problems: [], crc32: writeRows(read, layout, regions) };
}

/** Writes the rows that lie by columns in `block`, strip by strip. @returns their CRC-32 */
function writeRows(
  { rows, hidden: d, slices, lock }: ExportInput,
  layout: ParquetLayout | null,
  { strip, block }: { strip: Region; block: Region },
): number {
  const targets = slices.map((slice) => ({ ...slice, descriptor: openToWrite(slice.file) }));
  const { offset, columnStride } = partitionAt(block, layout, rows.count);
  let crc = 0;
  try {
    for (const { first, count } of splitRows(rows.count, STRIP_ROWS)) {
      endIfInterrupted();
      const bytes = strip.bytes.subarray(0, count * d * 4);
      kernels.gatherRows(offset + first * 4, columnStride, count, d, strip.offset);
      crc = crc32(bytes, crc);
      if (lock !== null) refuseLost(lock);
      for (const { descriptor, byteOffset, file } of targets)
        writeFully(descriptor, bytes, byteOffset + first * d * 4, file);
      rowsReport.advance(count);
    }
  } finally {
    for (const { descriptor } of targets) closeSync(descriptor);
  }
  return crc;
}
