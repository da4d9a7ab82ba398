import { crc32 } from 'node:zlib';
import type { SliceRecord } from '../src/files/file-record.js';
import { withFileSync } from '../src/files/open-file.js';
import { readFully } from '../src/files/read-fully.js';
import { fileProblem } from './file-problem.js';
import { endIfInterrupted } from './interruption.js';

const BUFFER_BYTES = 4 * 2 ** 20;

/** Problems of the stretches of row-major exports that no longer have their recorded CRC-32, in words. */
export function sliceProblems(slices: readonly SliceRecord[]): string[] {
  return slices.flatMap((slice) => {
    const where = `${slice.file}, bytes ${slice.byteOffset} to ${slice.byteOffset + slice.bytes - 1}`;
    try {
      return checksumOf(slice) === slice.crc32 ? [] : [`${where}: CRC-32 differs from the recorded one`];
    } catch (error) {
      return [fileProblem(error, where, slice.file)];
    }
  });
}

function checksumOf({ file, byteOffset, bytes }: SliceRecord): number {
  const buffer = new Uint8Array(Math.min(BUFFER_BYTES, bytes));
  return withFileSync(file, 'recorded bytes', (descriptor) => {
    let crc = 0;
    for (let done = 0; done < bytes; ) {
      endIfInterrupted();
      const part = buffer.subarray(0, Math.min(buffer.length, bytes - done));
      readFully(descriptor, part, byteOffset + done, file);
      crc = crc32(part, crc);
      done += part.length;
    }
    return crc;
  });
}
