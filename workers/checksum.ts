import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { readFully } from '../src/input/read-fully.js';
import type { Tasks } from './messages.js';
import { sliceProblems } from './slices.js';

const BUFFER_BYTES = 4 * 2 ** 20;

/** Whether files and slices still hold what was recorded of them; what does not is named in `problems`. */
export function checksum({ files, slices }: Tasks['checksum']['input']): Tasks['checksum']['result'] {
  const problems = files.flatMap(({ absolutePath, path, bytes, sha256 }) => {
    try {
      return sha256Of(absolutePath, bytes) === sha256 ? [] : [`${path}: not the recorded bytes`];
    } catch (error) {
      return [`${path}: ${(error as Error).message}`];
    }
  });
  return { problems: [...problems, ...sliceProblems(slices)] };
}

/** SHA-256 (hex) of a file of exactly `bytes` bytes; of one of another length, null. */
function sha256Of(file: string, bytes: number): string | null {
  const descriptor = openSync(file, 'r');
  try {
    if (fstatSync(descriptor).size !== bytes) return null;
    const buffer = new Uint8Array(Math.min(BUFFER_BYTES, bytes));
    const hash = createHash('sha256');
    for (let done = 0; done < bytes; ) {
      const part = buffer.subarray(0, Math.min(buffer.length, bytes - done));
      readFully(descriptor, part, done, file);
      hash.update(part);
      done += part.length;
    }
    return hash.digest('hex');
  } finally {
    closeSync(descriptor);
  }
}
