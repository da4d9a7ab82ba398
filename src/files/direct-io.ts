import { closeSync, constants, openSync, read, writeSync } from 'node:fs';
import { promisify } from 'node:util';

/**
 * Direct transfers between memory and disk, past the system's file cache (O_DIRECT). The cache needs a page of memory for
 * every 4 KiB of a file, and a copy of its bytes. Where memory has to come from a host first, as on many virtual machines,
 * that takes several times as long as the disk takes, and all of it is the processor's time.
 *
 * They are an offer: whoever calls moves the remaining bytes through the cache, which also tells what is wrong with a file.
 */

/** Multiple that memory, offset and length have to be of: the page of most systems, and the largest block of common disks. */
export const DIRECT_BLOCK_BYTES = 4096;

/** Files of fewer bytes gain nothing by it: they take no time, and whoever reads them finds them in the cache. */
export const LEAST_DIRECT_BYTES = 2 ** 20;

/** Bytes of a call that writes, and of one that reads beside others: in calls of more, some disks are slower. */
const WRITE_BYTES = 4 * 2 ** 20;
const READ_BYTES = 2 ** 20;

/** Reads at a position, in a thread of libuv's, beside whatever the calling one does. */
type ReadAt = (
  ...at: [descriptor: number, into: Uint8Array, offset: number, length: number, position: number]
) => Promise<{ bytesRead: number }>;

const readAt: ReadAt = promisify(read);

/** Null where the system knows no direct transfers, or asks for them in another way (macOS, Windows). */
const directFlag: number | null = constants.O_DIRECT ?? null;

/**
 * Writes the front of `bytes` to the beginning of a file.
 *
 * @param file path of a file that is there, and that nobody else writes
 * @param bytes at a multiple of `DIRECT_BLOCK_BYTES` in memory
 * @returns how many bytes are written, a multiple of `DIRECT_BLOCK_BYTES`; 0 where the file system takes none in this way
 */
export function writeDirectly(file: string, bytes: Uint8Array): number {
  const length = wholeBlocks(bytes.length);
  if (directFlag === null || length === 0) return 0;
  let done = 0;
  try {
    const descriptor = openSync(file, constants.O_WRONLY | directFlag);
    try {
      while (done < length) {
        const written = writeSync(descriptor, bytes, done, Math.min(WRITE_BYTES, length - done), done);
        done += wholeBlocks(written);
        if (written % DIRECT_BLOCK_BYTES !== 0 || written === 0) break;
      }
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // What is wrong with the file shows where the remaining bytes are written.
  }
  return done;
}

/** The beginning of a file on its way into memory, beside whatever this thread does meanwhile. */
export class DirectRead {
  readonly #descriptor: number | null;
  readonly #pieces: readonly Promise<number>[];
  #isOpen = true;

  /**
   * Begins to read. Nothing is read where the file cannot be read in this way.
   *
   * @param file path
   * @param into at a multiple of `DIRECT_BLOCK_BYTES` in memory; what lies there is void until `end`
   * @param reading how the system reads
   */
  constructor(file: string, into: Uint8Array, reading = readAt) {
    this.#descriptor = openDirectly(file);
    this.#pieces = this.#descriptor === null ? [] : piecesOf(this.#descriptor, into, reading);
  }

  /**
   * Waits for the bytes before `position`, as far as they can be had.
   *
   * @returns how many are in memory, from the first one without a gap; there may be more than were asked for. Where there are
   *   fewer, nothing is written to memory any more
   */
  async upTo(position: number): Promise<number> {
    let bytes = 0;
    for (const piece of this.#pieces) {
      if (bytes >= position) break;
      const read = await piece;
      bytes += read;
      if (read === READ_BYTES) continue;
      await Promise.all(this.#pieces);
      break;
    }
    return bytes;
  }

  /** Waits until nothing is written to memory any more. To be called at the end, whatever has happened; again, it does nothing. */
  async end(): Promise<void> {
    await Promise.all(this.#pieces);
    if (this.#descriptor !== null && this.#isOpen) closeSync(this.#descriptor);
    this.#isOpen = false;
  }
}

function openDirectly(file: string): number | null {
  if (directFlag === null) return null;
  try {
    // Without waiting: a named pipe that nobody writes to would let nobody through.
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | directFlag);
  } catch {
    // What is wrong with the file shows where it is read through the cache.
    return null;
  }
}

/**
 * Reads piece by piece, as many at once as libuv has threads. All begin here: the calling thread may not come to begin another.
 *
 * @returns how many bytes of each could be read
 */
function piecesOf(descriptor: number, into: Uint8Array, reading: ReadAt): Promise<number>[] {
  const length = wholeBlocks(into.length);
  const pieces: Promise<number>[] = [];
  for (let at = 0; at < length; at += READ_BYTES) {
    const piece = reading(descriptor, into, at, Math.min(READ_BYTES, length - at), at);
    pieces.push(
      piece.then(
        ({ bytesRead }) => bytesRead,
        () => 0,
      ),
    );
  }
  return pieces;
}

function wholeBlocks(bytes: number): number {
  return bytes - (bytes % DIRECT_BLOCK_BYTES);
}
