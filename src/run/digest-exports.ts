import { type Executor, runTasks } from '../executor/executor.js';
import type { Tasks } from '../executor/tasks.js';
import {
  crcOfProjections,
  type ExportDigest,
  exportName,
  type ProjectionsExport,
  sliceRecordsOf,
} from '../output/exports.js';
import type { RowRange } from '../plan/row-ranges.js';

/** What the reading of exports found. */
export interface ExportFindings {
  problems: string[];
  /** By path, of those that could be read. */
  digests: Map<string, ExportDigest>;
}

/** Projections of some rows, as exports hold them. */
export interface ExportedRows {
  rows: RowRange;
  /** Of the float32 values, row-major; null where there is no export. */
  crc32: number | null;
}

/** Exports of projections that have been written, under their unfinished names. */
export interface WrittenExports {
  /** Output directory, absolute. */
  directory: string;
  /** d */
  hidden: number;
  exports: readonly ProjectionsExport[];
  /** What they must hold: all rows, in order. */
  parts: readonly ExportedRows[];
}

/**
 * Reads exports of projections whole, on the pool, before they get their names: every stretch of rows, and what stands
 * around them.
 *
 * @returns digests by the final path
 */
export async function digestProjectionsExports(
  executor: Executor,
  { directory, hidden, exports, parts }: WrittenExports,
): Promise<ExportFindings> {
  const inputs = exports.map((file) => ({
    file: file.unfinished,
    name: exportName(directory, file.path),
    slices: parts.flatMap(({ rows, crc32 }) => sliceRecordsOf([file], rows, hidden, crc32)),
    frame: file.layout.frame([crcOfProjections(parts, hidden)]),
  }));
  const { problems, digests } = await digestExports(executor, inputs);
  const finals = exports.map((file) => [file.path, digests.get(file.unfinished)!] as const);
  return { problems, digests: new Map(finals) };
}

/** Reads exports whole, on the pool. */
export async function digestExports(
  executor: Executor,
  inputs: readonly Tasks['digest']['input'][],
): Promise<ExportFindings> {
  const findings: ExportFindings = { problems: [], digests: new Map() };
  await runTasks(executor, 'digest', inputs, ({ problems, bytes, sha256 }, index) => {
    findings.problems.push(...problems);
    findings.digests.set(inputs[index]!.file, { bytes, sha256 });
  });
  return findings;
}
