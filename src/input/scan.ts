import { createHash } from 'node:crypto';
import { foldedRow } from '../linalg/fold.js';
import type { RowSource } from './checkpoint.js';

/** What the scan of a range of rows has found. */
export interface ScannedRange {
  /** SHA-256 (hex) of the rows' stored bytes. */
  sha256: string;
  /** Sums of the columns, sum_i gamma_ij, [d], of the rows before a norm is folded in. */
  columnSums: Float64Array;
  /** gamma_i . b of each row, before it is folded in, and the norm's own bias b; null where there is none. */
  offsets: Float64Array | null;
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
  /** The mean of the rows before a norm is folded in, [d]; mu where none is. */
  unfoldedMean: Float64Array;
  /** What the bias of the folded norm adds to each token's logit, [V]; null where there is none. */
  offsets: Float64Array | null;
  /** Of every row's stored bytes, [V], where asked for: equal rows have equal hashes. */
  rowHashes: BigUint64Array | null;
  /** The one row that all rows are, [d]; null where two differ. */
  onlyRow: Float32Array | null;
}

/** Merges what the ranges of a checkpoint have told, in their order. @param source V, and the norm that is folded in */
export function mergeScans(
  ranges: readonly ScannedRange[],
  { rows, fold }: Pick<RowSource, 'rows' | 'fold'>,
): Scan {
  const hash = createHash('sha256');
  const [{ columnSums, onlyRow: first, offsets: ofBias }] = ranges as [ScannedRange];
  const mean = new Float64Array(columnSums.length);
  const hashes = new BigUint64Array(rows);
  const offsets = ofBias === null ? null : new Float64Array(rows);
  let hashed = 0;
  let offset = 0;
  let onlyRow = first;
  for (const { sha256, columnSums: sums, rowHashes, onlyRow: row, offsets: more } of ranges) {
    hash.update(sha256);
    offsets?.set(more!, offset);
    offset += more?.length ?? 0;
    if (onlyRow !== null && (row === null || !isSame(onlyRow, row))) onlyRow = null;
    for (let j = 0; j < mean.length; j++) mean[j]! += sums[j]!;
    if (rowHashes === null) continue;
    hashes.set(rowHashes, hashed);
    hashed += rowHashes.length;
  }
  for (let j = 0; j < mean.length; j++) mean[j]! /= rows;
  return {
    contentSha256: hash.digest('hex'),
    mean: fold === undefined ? mean : foldedRow(mean, fold),
    unfoldedMean: mean,
    offsets,
    rowHashes: hashed === rows ? hashes : null,
    onlyRow,
  };
}

/** Of numbers, not of bytes: 0 is -0. */
function isSame(a: Float32Array, b: Float32Array): boolean {
  return a.every((value, j) => value === b[j]);
}
