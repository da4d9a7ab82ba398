import { createHash } from 'node:crypto';
import { type Executor, reduceTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import type { RowSource } from '../input/checkpoint.js';
import type { RowRange } from '../plan/row-ranges.js';

export interface Scan {
  /** SHA-256 (hex) over the SHA-256 digests of the scanned ranges: identifies the stored weights. */
  contentSha256: string;
  /** mu, the mean row, [d]. */
  mean: Float64Array;
  /** Of every row's stored bytes, [V], where asked for: equal rows have equal hashes. */
  rowHashes: BigUint64Array | null;
  /** The one row that all rows are, [d]; null where two differ. */
  onlyRow: Float32Array | null;
}

/** Reads every weight once, on the pool; `onRows` is told how many rows are done. */
export async function scanCheckpoint(
  executor: Executor,
  source: RowSource,
  ranges: readonly RowRange[],
  options: { hashRows: boolean },
  onRows: (rows: number) => void,
): Promise<Scan> {
  const hash = createHash('sha256');
  const mean = new Float64Array(source.columns);
  const inputs = ranges.map((rows) => ({ source, rows, ...options }));
  const hashes = options.hashRows ? new BigUint64Array(source.rows) : null;
  let onlyRow: Float32Array | null = null;
  const told = tellRows(executor, onRows);
  await reduceTasks(told, 'scan', inputs, ({ sha256, columnSums, rowHashes, onlyRow: row }, index) => {
    hash.update(sha256);
    onlyRow = index === 0 || (onlyRow !== null && row !== null && isSame(onlyRow, row)) ? row : null;
    for (let j = 0; j < mean.length; j++) mean[j]! += columnSums[j]!;
    if (rowHashes !== null) hashes?.set(rowHashes, ranges[index]!.first);
  });
  for (let j = 0; j < mean.length; j++) mean[j]! /= source.rows;
  return { contentSha256: hash.digest('hex'), mean, rowHashes: hashes, onlyRow };
}

/** Of numbers, not of bytes: 0 is -0. */
function isSame(a: Float32Array, b: Float32Array): boolean {
  return a.every((value, j) => value === b[j]);
}
