import { crc32 } from 'node:zlib';
import type { FileLayout, FilePiece, TensorPlace } from '../layout.js';

/** A file of the archive: its bytes, or only their number where they are written by somebody else. */
export type ZipRecord = { name: string } & ({ bytes: Uint8Array } | { byteLength: number });

/**
 * Plans an uncompressed zip archive as PyTorch's writer lays it out:
 *
 *   local header, padding, bytes | local header, padding, bytes | ... | central directory, zip64 end, end
 *
 * Every record's bytes begin at a multiple of 64. The padding is an extra field of the local header, called 'FB'
 * and filled with 'Z'. Unlike PyTorch's, the local headers hold sizes and checksums themselves, so that a reader
 * that walks the file from its start needs no central directory.
 *
 * Zip64 fields stand where a size or an offset does not fit into 32 bits; the zip64 end record always, as in PyTorch.
 *
 * @returns a layout whose tensors are the records without bytes, in order
 */
export function planZip(records: readonly ZipRecord[]): FileLayout {
  let cursor = 0;
  const placed = records.map((record): PlacedRecord => {
    const byteLength = 'bytes' in record ? record.bytes.length : record.byteLength;
    const name = Buffer.from(record.name);
    const headerOffset = cursor;
    const unpadded = headerOffset + localHeader({ name, byteLength, padding: 0, crc: 0 }).length;
    const padding = (ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT;
    const byteOffset = unpadded + padding;
    cursor = byteOffset + byteLength;
    const bytes = 'bytes' in record ? record.bytes : null;
    return { name, bytes, byteLength, byteOffset, headerOffset, padding };
  });
  const end = cursor;
  return {
    bytes: end + directoryBytes(placed, () => 0, end).length,
    tensors: placed.filter(({ bytes }) => bytes === null).map(tensorPlace),
    frame: (crcs) => frame(placed, crcs, end),
  };
}

interface PlacedRecord {
  /** UTF-8. */
  name: Buffer;
  bytes: Uint8Array | null;
  byteLength: number;
  /** Place of the bytes; the local header lies at headerOffset and fills the space between. */
  byteOffset: number;
  headerOffset: number;
  padding: number;
}

const ALIGNMENT = 64;

/** Stands in a 32-bit field whose true value is in the zip64 field. */
const IN_ZIP64 = 0xffffffff;

const VERSION_STORED = 10;
const VERSION_ZIP64 = 45;

/** Names are UTF-8. */
const FLAGS = 0x0800;

/** 1980-01-01, the first day that zip knows: the same run writes the same bytes on any day. */
const DATE = 0x0021;

function tensorPlace({ name, byteOffset, byteLength }: PlacedRecord): TensorPlace {
  return { name: name.toString(), byteOffset, byteLength };
}

function frame(placed: readonly PlacedRecord[], crcs: readonly number[], end: number): FilePiece[] {
  const missing = placed.filter(({ bytes }) => bytes === null);
  if (crcs.length !== missing.length) {
    throw new RangeError(`planZip: the frame needs ${missing.length} checksums, not ${crcs.length}`);
  }
  const crcOf = (record: PlacedRecord) =>
    record.bytes === null ? crcs[missing.indexOf(record)]! : crc32(record.bytes);
  const pieces = placed.map((record) => {
    const { bytes, headerOffset } = record;
    const header = localHeader({ ...record, crc: crcOf(record) });
    return { offset: headerOffset, bytes: bytes === null ? header : Buffer.concat([header, bytes]) };
  });
  return [...pieces, { offset: end, bytes: directoryBytes(placed, crcOf, end) }];
}

type LocalRecord = Pick<PlacedRecord, 'name' | 'byteLength' | 'padding'> & { crc: number };

/** With its extra fields: zip64 sizes where needed, then the padding, whose own 4 bytes are always there. */
function localHeader({ name, byteLength, padding, crc }: LocalRecord): Buffer {
  const large = byteLength >= IN_ZIP64;
  const size = u32(large ? IN_ZIP64 : byteLength);
  const extra = Buffer.concat([
    large ? zip64Field([byteLength, byteLength]) : Buffer.alloc(0),
    Buffer.from('FB'),
    u16(padding),
    Buffer.alloc(padding, 'Z'),
  ]);
  return Buffer.concat([
    Buffer.from('PK\x03\x04', 'latin1'),
    u16(large ? VERSION_ZIP64 : VERSION_STORED),
    u16(FLAGS),
    u16(0), // stored
    u16(0), // time
    u16(DATE),
    u32(crc),
    size,
    size,
    u16(name.length),
    u16(extra.length),
    name,
    extra,
  ]);
}

function centralHeader({ name, byteLength, headerOffset }: PlacedRecord, crc: number): Buffer {
  const large = byteLength >= IN_ZIP64;
  const far = headerOffset >= IN_ZIP64;
  const size = u32(large ? IN_ZIP64 : byteLength);
  const extra =
    large || far
      ? zip64Field([...(large ? [byteLength, byteLength] : []), ...(far ? [headerOffset] : [])])
      : Buffer.alloc(0);
  return Buffer.concat([
    Buffer.from('PK\x01\x02', 'latin1'),
    u16(VERSION_ZIP64), // made by
    u16(large || far ? VERSION_ZIP64 : VERSION_STORED),
    u16(FLAGS),
    u16(0), // stored
    u16(0), // time
    u16(DATE),
    u32(crc),
    size,
    size,
    u16(name.length),
    u16(extra.length),
    u16(0), // comment
    u16(0), // disk
    u16(0), // internal attributes
    u32(0), // external attributes
    u32(far ? IN_ZIP64 : headerOffset),
    name,
    extra,
  ]);
}

/** Central directory, zip64 end record with its locator, end record. */
function directoryBytes(
  placed: readonly PlacedRecord[],
  crcOf: (record: PlacedRecord) => number,
  offset: number,
): Buffer {
  const directory = Buffer.concat(placed.map((record) => centralHeader(record, crcOf(record))));
  const zip64End = Buffer.concat([
    Buffer.from('PK\x06\x06', 'latin1'),
    u64(44), // bytes of this record that follow
    u16(VERSION_ZIP64), // made by
    u16(VERSION_ZIP64), // needed
    u32(0), // this disk
    u32(0), // the directory's disk
    u64(placed.length),
    u64(placed.length),
    u64(directory.length),
    u64(offset),
  ]);
  const locator = Buffer.concat([
    Buffer.from('PK\x06\x07', 'latin1'),
    u32(0), // the record's disk
    u64(offset + directory.length),
    u32(1), // disks
  ]);
  const end = Buffer.concat([
    Buffer.from('PK\x05\x06', 'latin1'),
    u16(0), // this disk
    u16(0), // the directory's disk
    u16(Math.min(placed.length, 0xffff)),
    u16(Math.min(placed.length, 0xffff)),
    u32(Math.min(directory.length, IN_ZIP64)),
    u32(Math.min(offset, IN_ZIP64)),
    u16(0), // comment
  ]);
  return Buffer.concat([directory, zip64End, locator, end]);
}

function zip64Field(values: readonly number[]): Buffer {
  return Buffer.concat([u16(1), u16(8 * values.length), ...values.map(u64)]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
