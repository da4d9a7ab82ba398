import { runTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import { runFile } from '../output/run-file.js';
import { refuseDamaged } from './export-projections.js';
import type { LockedRun } from './plan-extension.js';
import type { RecordedPartition } from './recorded-partitions.js';

/**
 * Compares partitions that are to be read with their records, in the format in which they are read.
 *
 * @throws VerificationError that names those that are damaged
 */
export async function checkPartitions(
  { directory, context }: Pick<LockedRun, 'directory' | 'context'>,
  partitions: readonly RecordedPartition[],
): Promise<void> {
  const inputs = partitions.map(({ rows, parquet, arrow }) => {
    const { path, bytes, crc32 } = (parquet ?? arrow)!;
    // By its CRC-32 alone: a SHA-256 of all would take as long as the products of a thousand vectors.
    return { rows, files: [{ path, bytes, crc32, absolutePath: runFile(directory, path) }] };
  });
  const total = partitions.reduce((sum, { rows }) => sum + rows.count, 0);
  const damage: string[][] = [];
  await context.stopwatch.time('check of partitions', total, (advance) =>
    runTasks(tellRows(context.executor, advance), 'checksum', inputs, ({ problems }, index) => {
      damage[index] = problems;
    }),
  );
  refuseDamaged(directory, damage.flat());
}
