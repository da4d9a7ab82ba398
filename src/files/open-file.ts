import { type FileHandle, open, stat } from 'node:fs/promises';
import { InputError } from '../errors.js';
import { asInputError } from './read-error.js';

/** A regular file opened for reading. `size` in bytes is that at the time of opening. */
export interface OpenFile {
  file: string;
  handle: FileHandle;
  size: number;
}

/**
 * Opens a regular file, hands it to `use` and closes it again, whatever happens.
 *
 * @param file path
 * @param role what the file is to the user, for messages: 'the metric', 'the checkpoint'
 * @throws InputError where the system refuses the file, with its path and what to do
 */
export async function withFile<T>(
  file: string,
  role: string,
  use: (opened: OpenFile) => Promise<T>,
): Promise<T> {
  try {
    // Before `open`, which would wait for ever on a named pipe that nobody writes to.
    const { size } = await statRegularFile(file, role);
    const handle = await open(file, 'r');
    try {
      return await use({ file, handle, size });
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw asInputError(error, file, role);
  }
}

/**
 * Reads exactly `length` bytes from `position` into a buffer of its own.
 *
 * @throws InputError where the file ends before
 */
export async function readBytes(
  { file, handle, size }: OpenFile,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  // Checked before allocating, so that a lying length in a header cannot ask for more memory than the file has bytes.
  if (position + length > size) throw endsEarly(file, position, length, size);
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) throw endsEarly(file, position, length, position + filled);
    filled += bytesRead;
  }
  return bytes;
}

async function statRegularFile(file: string, role: string) {
  const found = await stat(file);
  if (found.isFile()) return found;
  const kind = found.isDirectory() ? 'a directory' : 'not a regular file';
  throw new InputError(
    `${file}: expected a file with ${role}, found ${kind}; give the path of the file itself`,
  );
}

function endsEarly(file: string, position: number, length: number, end: number): InputError {
  return new InputError(
    `${file}: expected bytes ${position} to ${position + length}, but the file ends at byte ${end}; ` +
      'it is truncated or still being written: copy or download it again',
  );
}
