import type { Tasks } from '../src/executor/tasks.js';
import { memory } from './context.js';
import type { Findings } from './file-digest.js';
import { endIfInterrupted } from './interruption.js';
import { neighbourKernels } from './neighbour-kernels.js';
import { blocksOfFormats, layoutOf } from './partition-blocks.js';
import { columnBytes } from './partition-columns.js';
import { rowsReport } from './rows-report.js';

/** Reads one partition whole, compares its checksums, and sums its columns. */
export async function columnSums(
  input: Tasks['columnSums']['input'],
): Promise<Tasks['columnSums']['result']> {
  // Both formats hold the same rows, and one of them is read.
  const read = input.parquet === null ? input : { ...input, arrow: null };
  const regions = memory.allot({ ...columnBytes([read]), sums: read.hidden * 8 });
  const findings: Findings = { problems: [], files: [] };
  const { sums } = regions;
  sums.float64.fill(0);
  for (const blocks of await blocksOfFormats(read, layoutOf(read), regions, findings)) {
    for (const { offset, rows, columns, columnStride, firstColumn } of blocks) {
      endIfInterrupted();
      neighbourKernels.sumColumns(offset, rows, columns, columnStride, sums.offset + firstColumn * 8);
      rowsReport.advance((rows * columns) / read.hidden);
    }
  }
  return { sums: sums.float64.slice(), problems: findings.problems };
}
