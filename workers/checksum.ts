import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Tasks } from '../src/executor/tasks.js';
import { withFileSync } from '../src/files/open-file.js';
import { readFully } from '../src/files/read-fully.js';
import { fileProblem } from './file-problem.js';
import { endIfInterrupted } from './interruption.js';

const BUFFER_BYTES = 4 * 2 ** 20;

/** Checks that files still hold what was recorded of them; those that do not are named in `problems`. */
export function checksum({ files }: Tasks['checksum']['input']): Tasks['checksum']['result'] {
  const problems = files.flatMap((file) => {
    try {
      return isIntact(file) ? [] : [`${file.path}: not the recorded bytes`];
    } catch (error) {
      return [fileProblem(error, file.path, file.absolutePath)];
    }
  });
  return { problems };
}

/** Whether a file has its recorded length and checksum, whichever of the two was recorded. */
function isIntact(file: Tasks['checksum']['input']['files'][number]): boolean {
  return withFileSync(file.absolutePath, 'recorded bytes', (descriptor, size) => {
    if (size !== file.bytes) return false;
    const buffer = new Uint8Array(Math.min(BUFFER_BYTES, file.bytes));
    const sha256 = createHash('sha256');
    let crc = 0;
    for (let done = 0; done < file.bytes; ) {
      endIfInterrupted();
      const part = buffer.subarray(0, Math.min(buffer.length, file.bytes - done));
      readFully(descriptor, part, done, file.path);
      if ('sha256' in file) sha256.update(part);
      else crc = crc32(part, crc);
      done += part.length;
    }
    return 'sha256' in file ? sha256.digest('hex') === file.sha256 : crc === file.crc32;
  });
}
