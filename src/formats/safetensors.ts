import { InputError } from '../errors.js';
import { asRecord, parseJson } from '../files/json.js';
import { isLfsPointer, lfsPointer } from '../files/lfs-pointer.js';
import { readBytes, withFile } from '../files/open-file.js';
import { shownValue } from '../text/shown-value.js';
import { elementCount, shapeText } from './shape.js';

/** One tensor of a safetensors file: row-major, little-endian, without gaps. */
export interface SafetensorsEntry {
  name: string;
  /** The header's name for it: BF16, F16, F32, F64, I64, ... */
  dtype: string;
  shape: number[];
  /** Place of the first byte, from the start of the file. */
  byteOffset: number;
  byteLength: number;
}

/** The header of a safetensors file. */
export interface SafetensorsHeader {
  file: string;
  /** Tensors in the order of their bytes in the file. */
  tensors: SafetensorsEntry[];
  /** The header's `__metadata__`, empty where it has none. */
  metadata: Map<string, string>;
}

/** The limit of the format's reference implementation (safetensors 0.4, MAX_HEADER_SIZE). */
export const MAX_HEADER_BYTES = 100_000_000;

/** A safetensors file wherever it lies: on a disk or behind a network. */
export interface SafetensorsBytes {
  /** Path or address, for messages. */
  file: string;
  /** Bytes of the whole file. */
  size: number;
  /** Gives exactly `length` bytes from `position`. */
  read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Reads and checks the header of a safetensors file as `parseSafetensorsHeader` does. */
export async function readSafetensorsHeader(file: string): Promise<SafetensorsHeader> {
  return withFile(file, 'the tensors', (opened) =>
    parseSafetensorsHeader({
      file,
      size: opened.size,
      read: (position, length) => readBytes(opened, position, length),
    }),
  );
}

/**
 * Reads and checks the header of a safetensors file, and nothing but the header: its first 8 bytes, then the rest.
 *
 * Layout: header length (u64), header (JSON, may be padded with spaces), tensors. The tensors must fill the rest of
 * the file exactly, each byte belonging to one tensor, as the format demands.
 *
 * @throws InputError naming file, tensor, what was expected and what came
 */
export async function parseSafetensorsHeader(bytes: SafetensorsBytes): Promise<SafetensorsHeader> {
  const { file, size } = bytes;
  const length = await readHeaderLength(bytes);
  const text = decodeText(file, await bytes.read(8, length));
  const dataOffset = 8 + length;
  const { entries, metadata } = parseHeader(file, text, dataOffset);
  const tensors = entries.sort((a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength);
  checkCoverage(file, tensors, dataOffset, size);
  return { file, tensors, metadata };
}

async function readHeaderLength({ file, size, read }: SafetensorsBytes): Promise<number> {
  if (size < 8) {
    throw invalid(file, `expected at least the 8 bytes of the header length, the file has ${size}`);
  }
  const bytes = await read(0, 8);
  if (isLfsPointer(bytes)) throw lfsPointer(file);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw invalid(file, `the header length is ${length} bytes, at most ${MAX_HEADER_BYTES} are allowed`);
  }
  if (length > BigInt(size - 8)) {
    throw invalid(file, `the header length is ${length} bytes, but only ${size - 8} follow`);
  }
  return Number(length);
}

function decodeText(file: string, bytes: Uint8Array): string {
  // The format fixes the first byte, which keeps the header apart from other files.
  if (bytes[0] !== 0x7b) throw invalid(file, 'the header does not begin with {');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalid(file, 'the header is not UTF-8', cause);
  }
}

function parseHeader(file: string, text: string, dataOffset: number) {
  const header = asRecord(parseHeaderJson(file, text));
  if (header === null) throw invalid(file, 'the header is not a JSON object');
  const entries: SafetensorsEntry[] = [];
  let metadata = new Map<string, string>();
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') metadata = parseMetadata(file, value);
    else if (!isPlaceholder(value)) entries.push(parseEntry(file, name, value, dataOffset));
  }
  return { entries, metadata };
}

function parseHeaderJson(file: string, text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    throw invalid(
      file,
      `the header is not valid JSON: ${cause instanceof Error ? cause.message : cause}`,
      cause,
    );
  }
}

/** @param value null too, as some writers store it where there are none */
function parseMetadata(file: string, value: unknown): Map<string, string> {
  if (value === null) return new Map();
  const record = asRecord(value);
  if (record === null) throw invalid(file, '__metadata__ is not an object of strings');
  const metadata = new Map<string, string>();
  for (const [key, text] of Object.entries(record)) {
    if (typeof text !== 'string') {
      throw invalid(file, `__metadata__ ${shownValue(key)} is ${shownValue(text)}, expected a string`);
    }
    metadata.set(key, text);
  }
  return metadata;
}

/**
 * Tells an entry that only keeps the name of a tensor that is not stored, because it is tied to another one: it has no
 * dtype, no dimension and no byte.
 */
function isPlaceholder(value: unknown): boolean {
  const { dtype, shape, data_offsets: offsets } = asRecord(value) ?? {};
  if (dtype !== '' || !Array.isArray(shape) || shape.length > 0) return false;
  return offsets === undefined || (isByteRange(offsets) && offsets[0] === offsets[1]);
}

function parseEntry(file: string, name: string, value: unknown, dataOffset: number): SafetensorsEntry {
  const { dtype, shape, data_offsets: offsets } = asRecord(value) ?? {};
  const problem = (text: string) => invalid(file, `tensor ${shownValue(name)}: ${text}`);
  if (typeof dtype !== 'string' || !Array.isArray(shape) || !isByteRange(offsets)) {
    throw problem(
      'expected dtype (string), shape (whole numbers) and data_offsets [begin, end], begin <= end',
    );
  }
  const bits = dtypeBits.get(dtype);
  if (bits === undefined) {
    throw problem(`unknown dtype ${shownValue(dtype)}, expected one of ${[...dtypeBits.keys()].join(', ')}`);
  }
  const count = elementCount(shape);
  if (count === null) {
    const sizes = shape.slice(0, 20).map(shownValue).join(', ');
    throw problem(`impossible shape [${sizes}], expected whole numbers with a product below 2^53`);
  }
  const [begin, end] = offsets;
  // In whole bits, because an F4 tensor may be one byte for two elements; BigInt, because 64 x 2^53 is not exact.
  if (BigInt(end - begin) * 8n !== BigInt(count) * BigInt(bits)) {
    const expected = Number(BigInt(count) * BigInt(bits)) / 8;
    throw problem(
      `${dtype} ${shapeText(shape)} takes ${expected} bytes, data_offsets give it ${end - begin}`,
    );
  }
  return { name, dtype, shape, byteOffset: dataOffset + begin, byteLength: end - begin };
}

function isByteRange(value: unknown): value is [number, number] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [begin, end] = value;
  return Number.isSafeInteger(begin) && Number.isSafeInteger(end) && begin >= 0 && begin <= end;
}

/** @param tensors in the order of their bytes */
function checkCoverage(file: string, tensors: SafetensorsEntry[], dataOffset: number, size: number): void {
  let covered = dataOffset;
  for (const { name, byteOffset, byteLength } of tensors) {
    if (byteOffset !== covered) {
      const what = byteOffset < covered ? 'overlaps the tensor before it' : 'leaves a hole before it';
      throw invalid(
        file,
        `tensor ${shownValue(name)} begins at byte ${byteOffset} and ${what}, which ends at byte ${covered}`,
      );
    }
    covered += byteLength;
  }
  if (covered !== size) {
    throw invalid(file, `the header describes ${covered} bytes, the file has ${size}`);
  }
}

/** Bits of an element by dtype; the format's whole list, so that a checkpoint's other tensors may be of any kind. */
const dtypeBits: ReadonlyMap<string, number> = new Map([
  ['BOOL', 8],
  ['F4', 4],
  ['F6_E2M3', 6],
  ['F6_E3M2', 6],
  ['U8', 8],
  ['I8', 8],
  ['F8_E5M2', 8],
  ['F8_E4M3', 8],
  ['F8_E8M0', 8],
  ['F8_E4M3FNUZ', 8],
  ['F8_E5M2FNUZ', 8],
  ['I16', 16],
  ['U16', 16],
  ['F16', 16],
  ['BF16', 16],
  ['I32', 32],
  ['U32', 32],
  ['F32', 32],
  ['C64', 64],
  ['F64', 64],
  ['I64', 64],
  ['U64', 64],
]);

function invalid(file: string, problem: string, cause?: unknown): InputError {
  return new InputError(
    `${file}: not a valid safetensors file: ${problem}; it is damaged or truncated: copy or download it again`,
    { cause },
  );
}
