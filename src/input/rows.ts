import { closeSync, fstatSync, openSync } from 'node:fs';
import { InputError } from '../errors.js';
import { asInputError } from '../files/read-error.js';
import { readFully } from '../files/read-fully.js';
import { dtypeBytes } from '../formats/dtype.js';
import type { RowSource } from './checkpoint.js';

/** A matrix that is open for reading, until `close`. */
export interface RowReader {
  /**
   * Fills `into` with the stored bytes of rows [firstRow, firstRow + rowCount), row-major, in the source's dtype.
   *
   * @param into exactly rowCount x columns elements of the source's dtype
   * @throws InputError where the file ends early
   */
  read(firstRow: number, rowCount: number, into: Uint8Array): void;
  close(): void;
}

/**
 * Opens a matrix for positioned, synchronous reads: for worker threads, which have nothing else to do. Only the rows
 * asked for are read.
 *
 * @throws InputError where the file cannot be opened, or is too short for the rows it should hold
 */
export function openRows(source: RowSource): RowReader {
  const { file, byteOffset, rows, columns } = source;
  const rowBytes = columns * dtypeBytes[source.dtype];
  const descriptor = openChecked(file, byteOffset + rows * rowBytes);
  return {
    read(firstRow, rowCount, into) {
      if (!(firstRow >= 0 && rowCount >= 0 && firstRow + rowCount <= rows)) {
        throw new RangeError(`rows [${firstRow}, ${firstRow + rowCount}) are not within [0, ${rows})`);
      }
      if (into.length !== rowCount * rowBytes) {
        throw new RangeError(`${rowCount} rows of ${rowBytes} bytes do not fill ${into.length} bytes`);
      }
      try {
        readFully(descriptor, into, byteOffset + firstRow * rowBytes, file);
      } catch (error) {
        throw asInputError(error, file, 'the checkpoint');
      }
    },
    close() {
      closeSync(descriptor);
    },
  };
}

/** @param end bytes the file must have at least */
function openChecked(file: string, end: number): number {
  try {
    const descriptor = openSync(file, 'r');
    const { size } = fstatSync(descriptor);
    if (size >= end) return descriptor;
    closeSync(descriptor);
    throw new InputError(
      `${file}: expected at least ${end} bytes, as when the run began, but it has ${size}; ` +
        'it was changed since: restore it, or start the run anew',
    );
  } catch (error) {
    throw asInputError(error, file, 'the checkpoint');
  }
}
