import { VerificationError } from '../errors.js';
import { runTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import type { LockClaim } from '../files/lock-file.js';
import {
  type ExportDigest,
  finishProjectionsExports,
  type ProjectionsExport,
  slicesOf,
} from '../output/exports.js';
import type { RunContext } from './context.js';
import { digestProjectionsExports, type ExportedRows } from './digest-exports.js';
import type { RecordedPartition } from './recorded-partitions.js';

/** A run whose partitions lie on disk, and exports of it that have been opened. */
export interface ExportedRun {
  /** Output directory, absolute. */
  directory: string;
  /** Lock of the directory; null where nobody locks it. */
  lock: LockClaim | null;
  /** d */
  hidden: number;
  /** Key-value metadata that the partitions carry. */
  metadata: Record<string, string>;
  /** In order. */
  partitions: readonly RecordedPartition[];
  exports: readonly ProjectionsExport[];
}

/**
 * Writes exports of all projections from the partitions, each by a task of its own, and reads them back. They keep their
 * unfinished names.
 *
 * @returns CRC-32 of each partition's rows, and the exports' digests by their final path
 * @throws VerificationError where a partition is not as it was recorded, or an export not what was written
 */
export async function exportProjections(
  { directory, lock, hidden, metadata, partitions, exports }: ExportedRun,
  { executor, stopwatch }: Pick<RunContext, 'executor' | 'stopwatch'>,
): Promise<{ parts: ExportedRows[]; digests: Map<string, ExportDigest> }> {
  const inputs = partitions.map((partition) => ({
    ...partition,
    hidden,
    directory,
    metadata,
    lock,
    slices: slicesOf(exports, partition.rows, hidden),
  }));
  const rows = partitions.reduce((sum, partition) => sum + partition.rows.count, 0);
  const parts: ExportedRows[] = [];
  const damage: string[][] = [];
  await stopwatch.time('export', rows, (advance) =>
    runTasks(tellRows(executor, advance), 'export', inputs, ({ problems, crc32 }, index) => {
      parts[index] = { rows: partitions[index]!.rows, crc32 };
      damage[index] = problems;
    }),
  );
  refuseDamaged(directory, damage.flat());
  finishProjectionsExports(exports, parts, hidden);
  const written = { directory, hidden, exports, parts };
  const { problems, digests } = await stopwatch.time('check of exports', undefined, () =>
    digestProjectionsExports(executor, written),
  );
  if (problems.length > 0) {
    throw new VerificationError(
      `${directory}: exports were not written as they should be:\n${problems.join('\n')}\nCheck the disk, and export again`,
    );
  }
  return { parts, digests };
}

/** @throws VerificationError that names what is damaged and how it is mended, where something is */
export function refuseDamaged(directory: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new VerificationError(
    `${directory}: is damaged, and nothing is made of it:\n${problems.join('\n')}\nThe run's own command with --resume ` +
      '--checksums makes again what is damaged; then ask again',
  );
}
