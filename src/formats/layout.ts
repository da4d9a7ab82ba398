import { crc32 } from 'node:zlib';
import { chunksOf } from '../files/chunks.js';
import { type Dtype, dtypeBytes } from './dtype.js';
import { elementCount, shapeText } from './shape.js';

/** An array to be stored: row-major, little-endian. */
export interface TensorSpec {
  shape: readonly number[];
  dtype: Dtype;
}

/** Place of the elements of one array in a file. */
export interface TensorPlace {
  name: string;
  byteOffset: number;
  byteLength: number;
}

/** Bytes that belong at an offset of a file. */
export interface FilePiece {
  offset: number;
  bytes: Uint8Array;
}

/**
 * A file of row-major arrays (.pt, .npy, .safetensors) before its elements are known: its size, where each array
 * lies, and what stands around them. It depends on names, shapes and dtypes alone, so several workers can write
 * their rows at `byteOffset + row * rowBytes` first, and the frame, which makes the file readable, goes last.
 */
export interface FileLayout {
  /** Size of the whole file. */
  bytes: number;
  /** In the order in which the arrays were named to the planner. */
  tensors: readonly TensorPlace[];
  /**
   * Everything but the elements: pieces in file order that, with the tensors, fill the file without a gap.
   *
   * @param crcs CRC-32 of each tensor's bytes, in the order of `tensors`; only a .pt file stores them
   */
  frame(crcs: readonly number[]): FilePiece[];
}

/**
 * A whole file as chunks in file order, for arrays that are in memory. The elements are not copied.
 *
 * @param tensors the elements of each of `layout.tensors`, in that order
 */
export function fileChunks(layout: FileLayout, tensors: readonly ArrayBufferView[]): Uint8Array[] {
  const pieces = layout.tensors.map(({ name, byteOffset, byteLength }, index) => {
    const given = tensors[index];
    if (given?.byteLength !== byteLength) {
      throw new RangeError(
        `fileChunks: ${name} needs ${byteLength} bytes, not ${given?.byteLength ?? 'none'}`,
      );
    }
    return { offset: byteOffset, bytes: new Uint8Array(given.buffer, given.byteOffset, byteLength) };
  });
  const frame = layout.frame(pieces.map(({ bytes }) => crc32OfAll(bytes)));
  // An empty array shares its offset with the piece after it; the sort is stable and either order is right.
  return [...pieces, ...frame].sort((a, b) => a.offset - b.offset).map(({ bytes }) => bytes);
}

/** Counts the bytes of an array's elements. @throws RangeError where the shape is impossible */
export function tensorBytes({ shape, dtype }: { shape: readonly number[]; dtype: Dtype }): number {
  const count = elementCount(shape);
  if (count === null) throw new RangeError(`tensorBytes: the shape ${shapeText(shape)} is impossible`);
  return count * dtypeBytes[dtype];
}

function crc32OfAll(bytes: Uint8Array): number {
  let crc = 0;
  for (const chunk of chunksOf(bytes)) crc = crc32(chunk, crc);
  return crc;
}
