import { promisify } from 'node:util';
import yauzl from 'yauzl';
import { InputError } from '../../errors.js';
import type { OpenFile } from '../../files/open-file.js';

/** One uncompressed file of an archive: its bytes lie in the archive as they are. */
export interface StoredEntry {
  name: string;
  /** Place of the data, from the start of the archive. */
  byteOffset: number;
  byteLength: number;
}

/** torch.save writes one entry a tensor; the largest checkpoints have some ten thousand. Each one costs a read. */
const MAX_ENTRIES = 2 ** 17;

/**
 * Lists the files of a zip archive that is not compressed, with the place of each one's bytes.
 *
 * The central directory counts, and each local header is read for its length, because its extra field, with which
 * torch.save aligns the data, may differ from the directory's. Checksums are not checked: that would read it all.
 *
 * @throws InputError for a damaged, encrypted or compressed archive, for a name that occurs twice, and for data
 * that overlap
 */
export async function readStoredEntries(opened: OpenFile): Promise<Map<string, StoredEntry>> {
  const entries = new Map<string, StoredEntry>();
  try {
    const archive = await openArchive(opened);
    if (archive.entryCount > MAX_ENTRIES) {
      throw invalid(
        opened.file,
        `it lists ${archive.entryCount} entries, at most ${MAX_ENTRIES} are allowed`,
      );
    }
    const listed = new Map<string, yauzl.Entry>();
    for await (const entry of archive.eachEntry()) {
      const name = entry.fileName;
      if (entry.isEncrypted()) throw unsupported(opened.file, `${name} is encrypted`);
      if (entry.compressionMethod !== 0) throw unsupported(opened.file, `${name} is compressed`);
      if (listed.has(name)) throw invalid(opened.file, `it lists ${name} twice`);
      listed.set(name, entry);
    }
    for (const [name, entry] of listed) {
      const { fileDataStart } = await archive.readLocalFileHeaderPromise(entry, { minimal: true });
      entries.set(name, { name, byteOffset: fileDataStart, byteLength: entry.compressedSize });
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw invalid(opened.file, error instanceof Error ? error.message : String(error), error);
  }
  checkDisjoint(opened.file, [...entries.values()]);
  return entries;
}

const openReader = promisify(
  (
    reader: yauzl.RandomAccessReader,
    size: number,
    callback: (error: Error | null, file: yauzl.ZipFile) => void,
  ) =>
    yauzl.fromRandomAccessReader(
      reader,
      size,
      { lazyEntries: true, autoClose: false, strictFileNames: true },
      callback,
    ),
);

function openArchive(opened: OpenFile): Promise<yauzl.ZipFile> {
  return openReader(new BoundedReader(opened), opened.size);
}

/** Bytes that are read at once of what is read piece by piece, as the directory is. */
const WINDOW_BYTES = 2 ** 16;

/**
 * Reads for yauzl from the file that is open already. Its own reader passes an archive's offsets to fs.read
 * unchecked, which throws from a callback, where nothing can catch it, for one beyond 2^53.
 */
class BoundedReader extends yauzl.RandomAccessReader {
  readonly #opened: OpenFile;
  /** Where the last read ended: whoever goes on there will go on. */
  #end = -1;
  #window: { position: number; bytes: Buffer } = { position: 0, bytes: Buffer.alloc(0) };

  constructor(opened: OpenFile) {
    super();
    this.#opened = opened;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    const { size } = this.#opened;
    if (position + length > size) {
      // Asynchronous in every case, as fs.read is.
      setImmediate(callback, new Error(`it points to byte ${position + length}, the file has ${size}`));
      return;
    }
    this.#bytesAt(position, length).then(
      (bytes) => callback(null, bytes.copy(buffer, offset)),
      (error: Error) => callback(error),
    );
  }

  async #bytesAt(position: number, length: number): Promise<Buffer> {
    const start = position - this.#window.position;
    if (start < 0 || start + length > this.#window.bytes.length) {
      const goesOn = position === this.#end;
      const bytes = Buffer.alloc(
        Math.min(goesOn ? Math.max(length, WINDOW_BYTES) : length, this.#opened.size - position),
      );
      const { bytesRead } = await this.#opened.handle.read(bytes, 0, bytes.length, position);
      this.#window = { position, bytes: bytes.subarray(0, bytesRead) };
    }
    this.#end = position + length;
    return this.#window.bytes.subarray(position - this.#window.position).subarray(0, length);
  }
}

function checkDisjoint(file: string, entries: StoredEntry[]): void {
  const sorted = entries.sort((a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength);
  for (const [index, entry] of sorted.entries()) {
    const previous = sorted[index - 1];
    if (previous !== undefined && previous.byteOffset + previous.byteLength > entry.byteOffset) {
      throw invalid(file, `the data of ${previous.name} and ${entry.name} overlap`);
    }
  }
}

function unsupported(file: string, problem: string): InputError {
  return new InputError(
    `${file}: ${problem}, expected the plain zip archive that torch.save writes; save it again with torch.save`,
  );
}

function invalid(file: string, problem: string, cause?: unknown): InputError {
  return new InputError(
    `${file}: not a readable zip archive: ${problem}; it is damaged or truncated: copy or download it again`,
    { cause },
  );
}
