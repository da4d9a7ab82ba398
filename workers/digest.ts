import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Tasks } from '../src/executor/tasks.js';
import { withFileSync } from '../src/files/open-file.js';
import { readFully } from '../src/files/read-fully.js';
import { fileProblem } from './file-problem.js';
import { endIfInterrupted } from './interruption.js';

const BUFFER_BYTES = 4 * 2 ** 20;

/**
 * Reads a row-major export from its first byte to its last: its length and SHA-256, whether every stretch of rows has
 * its recorded CRC-32, and whether what stands around them is as planned. A file that cannot be read is a problem.
 */
export function digest(input: Tasks['digest']['input']): Tasks['digest']['result'] {
  try {
    return digestFile(input);
  } catch (error) {
    return { bytes: 0, sha256: '', problems: [fileProblem(error, input.name, input.file)] };
  }
}

function digestFile({ file, name, slices, frame }: Tasks['digest']['input']): Tasks['digest']['result'] {
  return withFileSync(file, 'recorded bytes', (descriptor, size) => {
    const sha256 = createHash('sha256');
    const crcs = slices.map(() => 0);
    const problems: string[] = [];
    const buffer = new Uint8Array(Math.min(BUFFER_BYTES, size));
    for (let done = 0; done < size; ) {
      endIfInterrupted();
      const part = buffer.subarray(0, Math.min(buffer.length, size - done));
      readFully(descriptor, part, done, name);
      sha256.update(part);
      for (const [k, { byteOffset, bytes }] of slices.entries()) {
        const first = Math.max(done, byteOffset);
        const end = Math.min(done + part.length, byteOffset + bytes);
        if (first < end) crcs[k] = crc32(part.subarray(first - done, end - done), crcs[k]);
      }
      done += part.length;
    }
    for (const [k, { byteOffset, bytes, crc32: recorded }] of slices.entries()) {
      if (crcs[k] !== recorded) {
        const where = `${name}, bytes ${byteOffset} to ${byteOffset + bytes - 1}`;
        problems.push(`${where}: CRC-32 differs from the recorded one`);
      }
    }
    for (const { offset, bytes } of frame) {
      const stored = new Uint8Array(bytes.length);
      if (offset + bytes.length <= size) readFully(descriptor, stored, offset, name);
      if (Buffer.compare(stored, bytes) !== 0) {
        problems.push(`${name}, bytes ${offset} to ${offset + bytes.length - 1}: not as planned`);
      }
    }
    return { bytes: size, sha256: sha256.digest('hex'), problems };
  });
}
