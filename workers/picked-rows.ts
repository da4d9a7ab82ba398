import { dtypeBytes } from '../src/formats/dtype.js';
import type { PickedRows } from '../src/input/picked-rows.js';
import { openRows } from '../src/input/rows.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { decodeRows } from './strips.js';

/** Rows of a checkpoint that are read by their numbers, a strip at a time. */
export interface PickedReader {
  /**
   * Reads rows [first, first + count) of those that were picked: float32 [count, d] at the start of `gamma`, as they are
   * used.
   *
   * @returns their bytes as stored, until the next strip
   */
  read(first: number, count: number): Uint8Array;
  close(): void;
}

/** Opens picked rows, with the two regions that `stripSizes` names. */
export function openPicked(
  { source, ids }: PickedRows,
  { raw, gamma }: { raw: Region; gamma: Region },
): PickedReader {
  const reader = openRows(source);
  const rowBytes = source.columns * dtypeBytes[source.dtype];
  return {
    read(first, count) {
      // Rows that follow each other in the file are read at once.
      for (let at = 0, end = 0; at < count; at = end) {
        const id = ids[first + at]!;
        end = at + 1;
        while (end < count && ids[first + end] === id + end - at) end++;
        reader.read(id, end - at, raw.bytes.subarray(at * rowBytes, end * rowBytes));
      }
      decodeRows(source, { raw, gamma }, count * source.columns);
      return raw.bytes.subarray(0, count * rowBytes);
    },
    close: () => reader.close(),
  };
}
