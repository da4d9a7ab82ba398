import type { Tasks } from '../src/executor/tasks.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { memory } from './context.js';
import type { Findings } from './file-digest.js';
import { endIfInterrupted } from './interruption.js';
import { neighbourKernels } from './neighbour-kernels.js';
import { blocksOfFormats, layoutOf, partitionAt } from './partition-blocks.js';
import { type ColumnsAt, columnBytes } from './partition-columns.js';
import { rowsReport } from './rows-report.js';

type Input = Tasks['columnSums']['input'];

/** Reads one partition whole, compares it with its checksums, and sums its columns, in an order that the format does not change. */
export async function columnSums(input: Input): Promise<Tasks['columnSums']['result']> {
  // Both formats hold the same rows, and one of them is read.
  const read = input.parquet === null ? input : { ...input, arrow: null };
  const { rows, hidden } = read;
  const regions = memory.allot({ ...columnBytes([read]), sums: hidden * 8 });
  const findings: Findings = { problems: [], files: [], isCrc32Enough: true };
  const { offset, columnStride } = await readChecked(read, regions, findings);
  regions.sums.float64.fill(0);
  neighbourKernels.sumColumns(offset, rows.count, hidden, columnStride, regions.sums.offset);
  return { sums: regions.sums.float64.slice(), problems: findings.problems };
}

/** Reads a partition by columns, and compares its checksums. */
async function readChecked(
  read: Input,
  regions: Record<'block' | 'strip', Region>,
  findings: Findings,
): Promise<ColumnsAt> {
  const layout = layoutOf(read);
  for (const blocks of await blocksOfFormats(read, layout, regions, findings)) {
    for await (const { rows, columns } of blocks) {
      endIfInterrupted();
      rowsReport.advance((rows * columns) / read.hidden);
    }
  }
  return partitionAt(regions.block, layout, read.rows.count);
}
