import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { InputError } from '../errors.js';
import { CHUNK_BYTES } from './chunks.js';
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
    const { size } = regularFile(await stat(file), file, role);
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
 * Opens a regular file as `withFile` does, synchronously: for worker threads, which have nothing else to do, and for
 * short files.
 *
 * @param use is given the descriptor, and the size in bytes at the time of opening
 * @throws InputError where the system refuses the file, or it is no regular one, with its path and what to do
 */
export function withFileSync<T>(file: string, role: string, use: (descriptor: number, size: number) => T): T {
  const { descriptor, size } = openRegular(file, role);
  try {
    try {
      return use(descriptor, size);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw asInputError(error, file, role);
  }
}

/**
 * Opens a regular file for reading, synchronously.
 *
 * @returns its descriptor, to be closed by the caller, and its size in bytes
 * @throws InputError where the system refuses the file, or it is no regular one, with its path and what to do
 */
export function openRegular(file: string, role: string): { descriptor: number; size: number } {
  try {
    // Without waiting: a named pipe that nobody writes to would let nobody through.
    const descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      return { descriptor, size: regularFile(fstatSync(descriptor), file, role).size };
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  } catch (error) {
    throw asInputError(error, file, role);
  }
}

/** Something that is no regular file where one was expected. */
export class IrregularFileError extends InputError {}

/**
 * Refuses what is no regular file: a pipe or a device may never end.
 *
 * @throws IrregularFileError that says what it is
 */
export function regularFile(found: Stats, file: string, role: string): Stats {
  if (found.isFile()) return found;
  throw new IrregularFileError(
    `${file}: expected a file with ${role}, found ${kindOf(found)}; give the path of the file itself`,
  );
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a directory';
  if (found.isFIFO()) return 'a named pipe';
  if (found.isSocket()) return 'a socket';
  return found.isCharacterDevice() || found.isBlockDevice() ? 'a device' : 'not a regular file';
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
    const wanted = Math.min(length - filled, CHUNK_BYTES);
    const { bytesRead } = await handle.read(bytes, filled, wanted, position + filled);
    if (bytesRead === 0) throw endsEarly(file, position, length, position + filled);
    filled += bytesRead;
  }
  return bytes;
}

function endsEarly(file: string, position: number, length: number, end: number): InputError {
  return new InputError(
    `${file}: expected bytes ${position} to ${position + length}, but the file ends at byte ${end}; ` +
      'it is truncated or still being written: copy or download it again',
  );
}
