import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { CHUNK_BYTES, chunksOf } from '../files/chunks.js';
import type { WrittenFile } from '../files/file-record.js';
import type { NEIGHBOUR_UNITS } from '../plan/neighbour-units.js';
import { type UnitName, unitNumber } from '../plan/stages.js';
import type { ByteRange, RunStore } from './run-store.js';
import { writtenFileSchema } from './schemas.js';

/** Constructors of the arrays that a part can hold, by the name of their type. */
const arrayTypes = {
  float64: Float64Array,
  float32: Float32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
} as const;

type ArrayType = keyof typeof arrayTypes;
const arrayTypeNames = Object.keys(arrayTypes) as [ArrayType, ...ArrayType[]];

/** Array that a part can hold. */
export type PartArray = Float64Array | Float32Array | Int32Array | BigUint64Array;

/** Arrays of a part by their names. */
export type PartArrays = Readonly<Record<string, PartArray>>;

/** How a part lies on disk: its arrays one after the other, little-endian, each from a multiple of 8 bytes on. */
export interface PartRecord extends WrittenFile {
  arrays: { name: string; type: ArrayType; length: number }[];
}

export const partRecordSchema = writtenFileSchema.extend({
  arrays: z.array(z.object({ name: z.string(), type: z.enum(arrayTypeNames), length: z.int().min(0) })),
}) satisfies z.ZodType<PartRecord>;

/** Folder of the parts in a run's directory. */
export const PARTS_FOLDER = 'parts';

const ALIGNMENT = 8;

/**
 * Publishes arrays that a later stage needs of a unit, as one file.
 *
 * @returns what the unit's record says of it, whoever has published it
 */
export function publishPart(store: RunStore, path: string, arrays: PartArrays): PartRecord {
  const chunks = Object.values(arrays).flatMap(paddedChunks);
  const record = recordOf(path, arrays, chunks);
  if (store.publish(path, chunks, { isSpare: true }) === 'was there' && !isPartIntact(store, record)) {
    // Left by a unit that no record names, and damaged since.
    store.remove(path);
    store.publish(path, chunks, { isSpare: true });
  }
  return record;
}

/** Reads a stretch of a part: one of a single chunk is not copied, of a longer one a chunk is in memory twice. */
function readBytes(store: RunStore, path: string, { offset, length }: ByteRange): Uint8Array<ArrayBuffer> {
  if (length <= CHUNK_BYTES) return readChunk(store, path, { offset, length });
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; done += CHUNK_BYTES) {
    const count = Math.min(CHUNK_BYTES, length - done);
    bytes.set(readChunk(store, path, { offset: offset + done, length: count }), done);
  }
  return bytes;
}

/** Name of the part of a unit in the store. */
export function partName({
  stage,
  unit,
}: {
  stage: UnitName['stage'] | typeof NEIGHBOUR_UNITS;
  unit: number;
}): string {
  return `${PARTS_FOLDER}/${stage}/${unitNumber(unit)}.bin`;
}

function recordOf(path: string, arrays: PartArrays, chunks: readonly Uint8Array[]): PartRecord {
  return {
    path,
    bytes: chunks.reduce((sum, { length }) => sum + length, 0),
    crc32: chunks.reduce((crc, chunk) => crc32(chunk, crc), 0),
    arrays: Object.entries(arrays).map(([name, array]) => ({
      name,
      type: typeOf(array),
      length: array.length,
    })),
  };
}

/**
 * Reads the arrays of a part.
 *
 * @throws InputError where it is missing, or not what was recorded
 */
export function readPart(
  store: RunStore,
  { path, crc32: recorded, arrays }: PartRecord,
): Record<string, PartArray> {
  let offset = 0;
  let crc = 0;
  const read = arrays.map(({ name, type, length }) => {
    const bytes = readBytes(store, path, { offset, length: length * arrayTypes[type].BYTES_PER_ELEMENT });
    for (const chunk of chunksOf(bytes)) crc = crc32(chunk, crc);
    const array = new arrayTypes[type](bytes.buffer);
    const padding = paddingOf(bytes.length);
    crc = crc32(padding, crc);
    offset += bytes.length + padding.length;
    return [name, array] as const;
  });
  if (crc !== recorded) throw damaged(path, 'its CRC-32 differs from the recorded one');
  return Object.fromEntries(read);
}

function readChunk(store: RunStore, path: string, range: ByteRange): Uint8Array<ArrayBuffer> {
  let chunk: Uint8Array<ArrayBuffer> | null;
  try {
    chunk = store.read(path, range);
  } catch (error) {
    // What the system has refused says so itself.
    if (!(error instanceof InputError) || error.cause !== undefined) throw error;
    throw damaged(path, 'it ends early, or is no file', error);
  }
  if (chunk === null) throw damaged(path, 'it is missing');
  return chunk;
}

/** Whether the arrays of a part can be read as they were recorded. */
export function isPartIntact(store: RunStore, record: PartRecord): boolean {
  return readIntactPart(store, record) !== null;
}

/** Reads the arrays of a part; null where it is missing, or not what was recorded. */
export function readIntactPart(store: RunStore, record: PartRecord): Record<string, PartArray> | null {
  try {
    return readPart(store, record);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

function paddedChunks(array: PartArray): Uint8Array[] {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return [...chunksOf(bytes), paddingOf(bytes.length)];
}

function paddingOf(bytes: number): Uint8Array {
  return new Uint8Array((ALIGNMENT - (bytes % ALIGNMENT)) % ALIGNMENT);
}

function typeOf(array: PartArray): ArrayType {
  return arrayTypeNames.find((name) => array instanceof arrayTypes[name])!;
}

function damaged(path: string, how: string, cause?: InputError): InputError {
  return new InputError(
    `${path}: is not as it was recorded: ${how}. Run the same command again: its unit is made again`,
    { cause },
  );
}
