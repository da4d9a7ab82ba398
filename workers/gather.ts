import type { GatherInput, Tasks } from '../src/executor/tasks.js';
import { memory } from './context.js';
import { forEachPartitionStrip, partitionStripSizes } from './partition-strips.js';
import { rowsReport } from './rows-report.js';

/**
 * Reads the projections of some tokens of one partition.
 *
 * Memory: the partition, and the rows that are asked for.
 */
export async function gather(input: GatherInput): Promise<Tasks['gather']['result']> {
  const { hidden: d, tokens } = input;
  const regions = memory.allot(partitionStripSizes([input]));
  const rows = new Float32Array(tokens.length * d);
  let next = 0;
  await forEachPartitionStrip(input, regions, async ({ first, count }) => {
    const start = input.rows.first + first;
    for (; next < tokens.length && tokens[next]! < start + count; next++) {
      const from = (tokens[next]! - start) * d;
      rows.set(regions.strip.float32.subarray(from, from + d), next * d);
    }
    rowsReport.advance(count);
  });
  return { rows };
}
