import { createHash } from 'node:crypto';

/** What the scan of a range of rows has found. */
export interface ScannedRange {
  /** SHA-256 (hex) of the rows' stored bytes. */
  sha256: string;
  /** Sums of the columns, sum_i gamma_ij, [d]. */
  columnSums: Float64Array;
  /** Hash of each row's stored bytes, where asked for: equal rows have equal hashes. */
  rowHashes: BigUint64Array | null;
  /** The one row that all of them are, [d]; null where two differ. */
  onlyRow: Float32Array | null;
}

/** What the scan of all rows has found. */
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

/** Merges what the ranges of a checkpoint have told, in their order. @param rows V */
export function mergeScans(ranges: readonly ScannedRange[], rows: number): Scan {
  const hash = createHash('sha256');
  const [{ columnSums, onlyRow: first }] = ranges as [ScannedRange];
  const mean = new Float64Array(columnSums.length);
  const hashes = new BigUint64Array(rows);
  let hashed = 0;
  let onlyRow = first;
  for (const { sha256, columnSums: sums, rowHashes, onlyRow: row } of ranges) {
    hash.update(sha256);
    if (onlyRow !== null && (row === null || !isSame(onlyRow, row))) onlyRow = null;
    for (let j = 0; j < mean.length; j++) mean[j]! += sums[j]!;
    if (rowHashes === null) continue;
    hashes.set(rowHashes, hashed);
    hashed += rowHashes.length;
  }
  for (let j = 0; j < mean.length; j++) mean[j]! /= rows;
  return { contentSha256: hash.digest('hex'), mean, rowHashes: hashed === rows ? hashes : null, onlyRow };
}

/** Of numbers, not of bytes: 0 is -0. */
function isSame(a: Float32Array, b: Float32Array): boolean {
  return a.every((value, j) => value === b[j]);
}
