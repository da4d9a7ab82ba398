import { type Executor, runTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import type { RowSource } from '../input/checkpoint.js';
import { mergeScans, type Scan, type ScannedRange } from '../input/scan.js';
import type { RowRange } from '../plan/row-ranges.js';

/** Reads every weight once, on the pool; `onRows` is told how many rows are done. @returns what each range has told */
export async function scanRanges(
  executor: Executor,
  source: RowSource,
  ranges: readonly RowRange[],
  options: { hashRows: boolean },
  onRows: (rows: number) => void,
): Promise<ScannedRange[]> {
  const inputs = ranges.map((rows) => ({ source, rows, ...options }));
  const scanned: ScannedRange[] = [];
  await runTasks(tellRows(executor, onRows), 'scan', inputs, ({ columnSquares: _, ...range }, index) => {
    scanned[index] = range;
  });
  return scanned;
}

/** Reads every weight of a checkpoint once, on the pool; `onRows` is told how many rows are done. */
export async function scanCheckpoint(
  executor: Executor,
  source: RowSource,
  ranges: readonly RowRange[],
  options: { hashRows: boolean },
  onRows: (rows: number) => void,
): Promise<Scan> {
  return mergeScans(await scanRanges(executor, source, ranges, options, onRows), source);
}
