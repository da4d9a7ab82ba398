import type { ColumnMetaData, FileMetaData, PageHeader } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { snappyUncompress } from 'hyparquet/src/snappy.js';
import { shownValue } from '../text/shown-value.js';

/** Not even a column of booleans holds more rows in a byte. */
const MOST_ROWS_A_BYTE = 8;

/** Part of a file, in bytes from its start. */
export interface ByteSpan {
  start: number;
  end: number;
}

/**
 * Says what is wrong with a footer, as far as it asks for more than the file has: rows, and columns that lie outside of
 * it. What a run or a batch writes is flat, uncompressed or in Snappy's compression, and nothing else is read.
 *
 * @param bytes size of the file
 * @returns null where nothing is wrong
 */
export function footerProblem({ schema, num_rows, row_groups }: FileMetaData, bytes: number): string | null {
  const rows = Number(num_rows);
  if (!(rows >= 0 && rows <= bytes * MOST_ROWS_A_BYTE)) return `it promises ${rows} rows in ${bytes} bytes`;
  const [root, ...elements] = schema;
  const isFlat = elements.every(
    ({ type, num_children, repetition_type }) =>
      type !== undefined && !num_children && ['REQUIRED', 'OPTIONAL'].includes(repetition_type ?? ''),
  );
  if (root === undefined || root.num_children !== elements.length || !isFlat)
    return 'its columns are not those of a run';
  let total = 0;
  for (const { columns, num_rows: count } of row_groups) {
    total += Number(count);
    if (!(Number(count) >= 0) || columns.length !== elements.length)
      return 'its groups of rows do not fit it';
    for (const [k, { meta_data: chunk }] of columns.entries()) {
      const { name, type } = elements[k]!;
      const isOfColumn =
        chunk?.path_in_schema.join('.') === name && chunk.type === type && codecs.includes(chunk.codec);
      if (chunk === undefined || !isOfColumn)
        return `its column ${shownValue(name)} is not described as a run does`;
      const { start, end } = chunkSpan(chunk);
      if (!(start >= 0 && start <= end && end <= bytes))
        return `its column ${shownValue(name)} lies outside of the file`;
    }
  }
  return total === rows ? null : `it promises ${rows} rows, and has groups of ${total}`;
}

/** Compressions that are read: tables have none, the summary of a batch has Snappy's. */
const codecs: readonly string[] = ['UNCOMPRESSED', 'SNAPPY'];

/** Snappy writes 64 bytes in three at most. */
const MOST_SNAPPY_GROWTH = 22;

/** Where a column lies of one group of rows. */
export function chunkSpan(chunk: ColumnMetaData): ByteSpan {
  const data = Number(chunk.data_page_offset);
  const dictionary = Number(chunk.dictionary_page_offset ?? 0);
  const start = dictionary > 0 ? Math.min(dictionary, data) : data;
  return { start, end: start + Number(chunk.total_compressed_size) };
}

/** A stretch of bytes that is read from its beginning. */
interface Reader {
  view: DataView;
  offset: number;
}

/**
 * Says what is wrong with the pages of a column, as far as they ask for more than they have: a count of values, or a run
 * of equal ones, can claim any number in a few bytes.
 *
 * @param bytes the column of one group of rows
 * @param rows of the group
 * @param column whether a value may be absent, and how the pages are compressed
 * @returns null where nothing is wrong
 * @throws RangeError where a page ends within a number
 */
export function pagesProblem(
  bytes: ArrayBuffer,
  rows: number,
  { isOptional, codec }: { isOptional: boolean; codec: string },
): string | null {
  const reader: Reader = { view: new DataView(bytes), offset: 0 };
  for (let seen = 0; seen < rows; ) {
    if (reader.offset >= bytes.byteLength) return `it has ${seen} of ${rows} values`;
    const header = parquetHeader(reader);
    const size = header.compressed_page_size;
    if (!(size >= 0 && size <= bytes.byteLength - reader.offset))
      return `a page of ${size} bytes lies outside of it`;
    const stored = new Uint8Array(bytes, reader.offset, size);
    reader.offset += size;
    const length = codec === 'SNAPPY' ? header.uncompressed_page_size : size;
    if (!(length >= 0 && length <= size * MOST_SNAPPY_GROWTH))
      return `a page of ${size} bytes claims ${length}`;
    const values = valuesOf(header, length);
    // Only partitions have pages of the first kind, and a value is never absent there.
    if (values === null || (isOptional && header.type === 'DATA_PAGE'))
      return 'a page is none that a run writes';
    if (header.type === 'DICTIONARY_PAGE') continue;
    if (seen + values > rows) return `it has more than ${rows} values`;
    if (!hasShortRuns(header, codec === 'SNAPPY' ? inflated(header, stored, length) : stored, values))
      return 'a run of values is longer than its page';
    seen += values;
  }
  return null;
}

/** How many values a page has; null for a page that no run writes, or that has more values than bits. */
function valuesOf(header: PageHeader, size: number): number | null {
  const { type, data_page_header: first, data_page_header_v2: second, dictionary_page_header: list } = header;
  if (type === 'DICTIONARY_PAGE') {
    const count = list?.num_values ?? -1;
    return count >= 0 && count <= size * MOST_ROWS_A_BYTE ? count : null;
  }
  const page = type === 'DATA_PAGE' ? first : type === 'DATA_PAGE_V2' ? second : undefined;
  if (page === undefined || !(page.num_values > 0)) return null;
  if (page.encoding === 'PLAIN' && page === first)
    return page.num_values * 4 <= size ? page.num_values : null;
  if (page !== second || !['PLAIN', 'RLE_DICTIONARY', 'RLE'].includes(page.encoding)) return null;
  const { num_values, num_rows, num_nulls, definition_levels_byte_length: levels } = second;
  const isWhole =
    num_rows === num_values &&
    num_nulls >= 0 &&
    num_nulls <= num_values &&
    second.repetition_levels_byte_length === 0 &&
    levels >= 0 &&
    levels <= size;
  const fits = page.encoding !== 'PLAIN' || num_values - num_nulls <= (size - levels) * MOST_ROWS_A_BYTE;
  return isWhole && fits ? num_values : null;
}

/** Whether no run of levels or of places in the dictionary is longer than the page has values. */
function hasShortRuns(
  { data_page_header_v2: header }: PageHeader,
  bytes: Uint8Array,
  values: number,
): boolean {
  if (header === undefined) return true;
  const page = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  const levels = header.definition_levels_byte_length;
  if (levels > 0 && !areShort(page, { end: levels, width: 1 }, values)) return false;
  page.offset = levels;
  const present = values - header.num_nulls;
  if (header.encoding === 'PLAIN' || present === 0) return true;
  const end = page.view.byteLength;
  if (header.encoding === 'RLE') page.offset += 4;
  const width = header.encoding === 'RLE' ? 1 : page.view.getUint8(page.offset++);
  return width <= 32 && areShort(page, { end, width }, present);
}

/** Undoes the compression of a page of the second kind, whose levels are not compressed. */
function inflated(
  { data_page_header_v2: header }: PageHeader,
  stored: Uint8Array,
  length: number,
): Uint8Array {
  const levels = header?.definition_levels_byte_length ?? 0;
  const page = new Uint8Array(length);
  page.set(stored.subarray(0, levels));
  if (length > levels) snappyUncompress(stored.subarray(levels), page.subarray(levels));
  return page;
}

/** Walks over runs, of which each says how many values it has, until all values are there. */
function areShort(page: Reader, { end, width }: { end: number; width: number }, values: number): boolean {
  for (let seen = 0; seen < values && page.offset < end; ) {
    const head = varint(page);
    const isPacked = (head & 1) === 1;
    const count = isPacked ? (head >>> 1) * 8 : head >>> 1;
    // Packed values come by eights, of which the last may be filled up.
    if (count === 0 || count > values - seen + 7) return false;
    page.offset += isPacked ? (count * width) / 8 : Math.ceil(width / 8);
    seen += count;
  }
  return true;
}

/** Reads an unsigned number of 7 bits a byte, the lowest first. */
function varint(reader: Reader): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = reader.view.getUint8(reader.offset++);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value >>> 0;
}
