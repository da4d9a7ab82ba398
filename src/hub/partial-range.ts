import { closeSync, existsSync, fsyncSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { PassingError } from '../errors.js';
import { writeFileAtomically, writeFully } from '../files/partial-file.js';

/** A part of the range that one request after the other brings, from its begin to its end. */
export interface Piece {
  index: number;
  /** Bytes [begin, end) of the range, not of the file that the range is of. */
  begin: number;
  end: number;
  /** Number of bytes that are here, from `begin` on. */
  received: number;
  /** CRC-32 of the bytes received. */
  crc32: number;
}

/** Tells one download from another: files left by one with another identity are not gone on with. */
export interface PartialIdentity {
  /** Hash of the file that the range is of. */
  hash: string;
  begin: number;
  end: number;
  pieceBytes: number;
}

/**
 * A range in the making, which a kill at any moment leaves as a download that goes on at the byte where it stopped:
 *
 *   NAME.partial   the bytes, each piece at its place
 *   NAME.progress  a line of JSON, the identity, then a line a piece, of fixed width: bytes received, their CRC-32
 *
 * A piece's line is written after its bytes. When the system itself stops, a line may reach the disk before them: so
 * on reopening every piece is checked against its CRC-32, and one that differs begins anew.
 */
export class PartialRange {
  readonly path: string;
  readonly pieces: readonly Piece[];
  readonly #progressPath: string;
  readonly #data: number;
  readonly #progress: number;
  readonly #linesAt: number;

  private constructor(target: string, identity: PartialIdentity, pieces: Piece[]) {
    this.path = `${target}.partial`;
    this.#progressPath = `${target}.progress`;
    this.pieces = pieces;
    this.#linesAt = headOf(identity).length;
    this.#data = openSync(this.path, 'r+');
    this.#progress = openSync(this.#progressPath, 'r+');
  }

  /** Begins a download, or goes on with the one of the same identity. */
  static open(target: string, identity: PartialIdentity): PartialRange {
    const recorded = readProgress(target, identity);
    if (recorded === null) {
      closeSync(openSync(`${target}.partial`, 'w'));
      const pieces = piecesOf(identity);
      writeFileAtomically(`${target}.progress`, [headOf(identity), ...pieces.map(lineOf)]);
      return new PartialRange(target, identity, pieces);
    }
    const partial = new PartialRange(target, identity, recorded);
    for (const piece of recorded) partial.#check(piece);
    return partial;
  }

  /** Counts the bytes received, as the files of a download say; 0 where there are none. */
  static receivedBytes(target: string, identity: PartialIdentity): number {
    return (readProgress(target, identity) ?? []).reduce((sum, { received }) => sum + received, 0);
  }

  /**
   * Adds bytes to a piece.
   *
   * @throws PassingError where the disk is full; what was appended before stays
   */
  append(piece: Piece, chunk: Uint8Array): void {
    try {
      writeFully(this.#data, chunk, piece.begin + piece.received, this.path);
    } catch (error) {
      throw asDownloadError(error, this.path);
    }
    piece.received += chunk.length;
    piece.crc32 = crc32(chunk, piece.crc32);
    this.#record(piece);
  }

  /** Waits until the bytes are on the disk. */
  sync(): void {
    fsyncSync(this.#data);
  }

  /** Closes the files; what was received stays. */
  close(): void {
    closeSync(this.#data);
    closeSync(this.#progress);
  }

  /** Forgets how far the download is: the range has been moved to where it belongs. */
  removeProgress(): void {
    rmSync(this.#progressPath, { force: true });
  }

  #record(piece: Piece): void {
    const at = this.#linesAt + piece.index * LINE_BYTES;
    writeFully(this.#progress, lineOf(piece), at, this.#progressPath);
  }

  #check(piece: Piece): void {
    if (piece.received === 0 || crcOf(this.#data, piece) === piece.crc32) return;
    piece.received = 0;
    piece.crc32 = 0;
    this.#record(piece);
  }
}

/** Length of a piece's line: '0000000016777216 89abcdef' and a line feed. */
const LINE_BYTES = 16 + 1 + 8 + 1;

function lineOf({ received, crc32: crc }: Piece): Buffer {
  return Buffer.from(`${String(received).padStart(16, '0')} ${crc.toString(16).padStart(8, '0')}\n`);
}

function headOf(identity: PartialIdentity): Buffer {
  return Buffer.from(`${JSON.stringify(identity)}\n`);
}

function piecesOf({ begin, end, pieceBytes }: PartialIdentity): Piece[] {
  const bytes = end - begin;
  return Array.from({ length: Math.ceil(bytes / pieceBytes) }, (_, index) => ({
    index,
    begin: index * pieceBytes,
    end: Math.min(bytes, (index + 1) * pieceBytes),
    received: 0,
    crc32: 0,
  }));
}

/** Reads how far each piece is; null where there is no such download, or its files are not what was written. */
function readProgress(target: string, identity: PartialIdentity): Piece[] | null {
  if (!existsSync(`${target}.partial`) || !existsSync(`${target}.progress`)) return null;
  const text = readFileSync(`${target}.progress`);
  const head = headOf(identity);
  const pieces = piecesOf(identity);
  if (text.length !== head.length + pieces.length * LINE_BYTES) return null;
  if (!text.subarray(0, head.length).equals(head)) return null;
  for (const piece of pieces) {
    const at = head.length + piece.index * LINE_BYTES;
    const line = text.subarray(at, at + LINE_BYTES).toString('latin1');
    const [, received, crc] = /^(\d{16}) ([0-9a-f]{8})\n$/.exec(line) ?? [];
    if (received === undefined || crc === undefined) return null;
    if (Number(received) > piece.end - piece.begin) return null;
    piece.received = Number(received);
    piece.crc32 = Number.parseInt(crc, 16);
  }
  return pieces;
}

/** Computes the CRC-32 of what a piece has received; null where the file is shorter. */
function crcOf(descriptor: number, { begin, received }: Piece): number | null {
  const buffer = Buffer.alloc(Math.min(received, 2 ** 20));
  let crc = 0;
  for (let done = 0; done < received; ) {
    const count = readSync(descriptor, buffer, 0, Math.min(buffer.length, received - done), begin + done);
    if (count === 0) return null;
    crc = crc32(buffer.subarray(0, count), crc);
    done += count;
  }
  return crc;
}

/** Replaces the advice for a run's files, which does not fit a download's. */
function asDownloadError(error: unknown, file: string): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT'))) {
    return error;
  }
  return diskFull(file, String(cause.code), cause);
}

/**
 * Says that the disk is full, and what to do.
 *
 * @param detail the system's code, or how much is missing
 */
export function diskFull(file: string, detail: string, cause?: unknown): PassingError {
  return new PassingError(
    `${file}: disk full (${detail}): free space, remove what is no longer used (cache prune), or give another ` +
      'directory as EIGENSHARD_CACHE; then run the same command again: it goes on where it stopped',
    { cause },
  );
}
