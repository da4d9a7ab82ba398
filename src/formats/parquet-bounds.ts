import type { ColumnMetaData, FileMetaData, PageHeader } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { shownValue } from '../text/shown-value.js';
import { compressors, mostGrowth } from './parquet-compressors.js';
import { columnsOfSchema, isFlat, leavesOf } from './parquet-schema.js';

/** Not even a column of booleans holds more rows in a byte. */
const MOST_ROWS_A_BYTE = 8;

/** Rows that any file may have: those of a vocabulary whose ids follow one another take a few bytes. */
const ROWS_OF_ANY_FILE = 2 ** 20;

/** Part of a file, in bytes from its start. */
export interface ByteSpan {
  start: number;
  end: number;
}

/**
 * Says what is wrong with a footer, as far as it asks for more than the file has: rows, and columns that lie outside of
 * it. Columns that are not flat are passed over.
 *
 * @param bytes size of the file
 * @returns null where nothing is wrong
 */
export function footerProblem({ schema, num_rows, row_groups }: FileMetaData, bytes: number): string | null {
  const rows = Number(num_rows);
  if (!(rows >= 0 && rows <= Math.max(ROWS_OF_ANY_FILE, bytes * MOST_ROWS_A_BYTE)))
    return `it promises ${rows} rows in ${bytes} bytes`;
  const described = columnsOfSchema(schema);
  const leaves = leavesOf(schema.slice(1)).length;
  if (schema[0]?.num_children !== described.length) return 'its columns are not those that it promises';
  let total = 0;
  for (const { columns, num_rows: count } of row_groups) {
    total += Number(count);
    if (!(Number(count) >= 0) || columns.length !== leaves) return 'its groups of rows do not fit it';
    for (const column of described.filter(isFlat)) {
      const { name } = column;
      const chunk = columns[column.leaf]!.meta_data;
      if (chunk?.path_in_schema.join('.') !== name || chunk.type !== column.elements[0]!.type)
        return `its column ${shownValue(name)} is not described as its values are`;
      const { start, end } = chunkSpan(chunk);
      if (!(start >= 0 && start <= end && end <= bytes))
        return `its column ${shownValue(name)} lies outside of the file`;
    }
  }
  return total === rows ? null : `it promises ${rows} rows, and has groups of ${total}`;
}

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

/** A flat column as its pages are read. */
export interface PagedColumn {
  /** Of its values. */
  type: string;
  /** Whether a value may be absent. */
  isOptional: boolean;
  /** How its pages are compressed. */
  codec: string;
}

/**
 * Says what is wrong with the pages of a flat column, as far as they ask for more than they have: a count of values, or a
 * run of equal ones, can claim any number in a few bytes.
 *
 * @param bytes the column of one group of rows
 * @param rows of the group
 * @returns null where nothing is wrong
 * @throws RangeError where a page ends within a number, or a run is longer than the page has values
 */
export function pagesProblem(bytes: ArrayBuffer, rows: number, column: PagedColumn): string | null {
  const { codec } = column;
  const growth = mostGrowth[codec];
  if (growth === undefined || !(codec === 'UNCOMPRESSED' || codec in compressors))
    return `it is compressed as ${codec}, which is not read here`;
  const reader: Reader = { view: new DataView(bytes), offset: 0 };
  for (let seen = 0; seen < rows; ) {
    if (reader.offset >= bytes.byteLength) return `it has ${seen} of ${rows} values`;
    const header = parquetHeader(reader);
    const { compressed_page_size: size, uncompressed_page_size: length } = header;
    if (!(size >= 0 && size <= bytes.byteLength - reader.offset))
      return `a page of ${size} bytes lies outside of it`;
    const stored = new Uint8Array(bytes, reader.offset, size);
    reader.offset += size;
    if (!(length >= 0 && length <= size * growth)) return `a page of ${size} bytes claims ${length}`;
    if (header.type === 'DICTIONARY_PAGE') {
      const listed = header.dictionary_page_header?.num_values ?? -1;
      if (!(listed >= 0 && listed <= length * MOST_ROWS_A_BYTE))
        return 'a page has another number of values than its bytes';
      continue;
    }
    const values = valuesOf(header, length);
    if (values === null)
      return 'a page has another number of values than its bytes, or is of a kind that is not read';
    if (seen + values > rows) return `it has more than ${rows} values`;
    const problem = contentProblem(header, inflated(header, stored, column.codec), column);
    if (problem !== null) return problem;
    seen += values;
  }
  return null;
}

/** How many values a page claims; null for a page that is not read, or whose levels do not fit it. */
function valuesOf(
  { type, data_page_header: first, data_page_header_v2: second }: PageHeader,
  length: number,
): number | null {
  if (type === 'DATA_PAGE') return first !== undefined && first.num_values > 0 ? first.num_values : null;
  if (type !== 'DATA_PAGE_V2' || second === undefined) return null;
  const { num_values, num_rows, num_nulls, definition_levels_byte_length: levels } = second;
  const isWhole =
    num_values > 0 &&
    num_rows === num_values &&
    num_nulls >= 0 &&
    num_nulls <= num_values &&
    second.repetition_levels_byte_length === 0 &&
    levels >= 0 &&
    levels <= length;
  return isWhole ? num_values : null;
}

/** Undoes the compression of a page; the levels of one of the second kind are not compressed. */
function inflated(
  { data_page_header_v2: second, uncompressed_page_size: length }: PageHeader,
  stored: Uint8Array,
  codec: string,
): Uint8Array {
  const decompress = compressors[codec as keyof typeof compressors];
  if (decompress === undefined || second?.is_compressed === false) return stored;
  if (second === undefined) return decompress(stored, length);
  const levels = second.definition_levels_byte_length;
  const page = new Uint8Array(length);
  page.set(stored.subarray(0, levels));
  page.set(decompress(stored.subarray(levels), length - levels), levels);
  return page;
}

/** Says what is wrong with the levels and the values of a page that is not compressed. @throws RangeError */
function contentProblem(
  header: PageHeader,
  bytes: Uint8Array,
  { type, isOptional }: PagedColumn,
): string | null {
  const { data_page_header: first, data_page_header_v2: second } = header;
  const page: Reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  let present: number;
  if (header.type === 'DATA_PAGE') {
    present = first!.num_values;
    if (isOptional) {
      const end = 4 + page.view.getUint32(0, true);
      page.offset = 4;
      present = presentIn(page, end, first!.num_values);
      page.offset = end;
    }
  } else {
    const levels = second!.definition_levels_byte_length;
    present = second!.num_values - second!.num_nulls;
    if (levels > 0 && presentIn(page, levels, second!.num_values) !== present)
      return 'a page has another number of absent values than it says';
    page.offset = levels;
  }
  return valuesProblem(
    page,
    { type, encoding: (first ?? second)!.encoding, isFirst: first !== undefined },
    present,
  );
}

/** Bytes of values of which each has as many. */
const valueBytes: Readonly<Record<string, number>> = { INT32: 4, INT64: 8, FLOAT: 4, DOUBLE: 8 };

/** Says what is wrong with the values of a page. @param isFirst whether it is a page of the first kind @throws RangeError */
function valuesProblem(
  page: Reader,
  { type, encoding, isFirst }: { type: string; encoding: string; isFirst: boolean },
  present: number,
): string | null {
  if (present === 0) return null;
  const end = page.view.byteLength;
  const length = end - page.offset;
  const tooMany = `a page of ${length} bytes claims ${present} values`;
  switch (encoding) {
    case 'PLAIN':
      return present <= length * MOST_ROWS_A_BYTE ? null : tooMany;
    case 'BYTE_STREAM_SPLIT':
      return type in valueBytes && present * valueBytes[type]! <= length ? null : tooMany;
    case 'DELTA_BINARY_PACKED':
    case 'DELTA_LENGTH_BYTE_ARRAY':
      return hasUsualBlocks(page) ? null : 'a page has blocks of another size than any program writes';
    case 'RLE':
      if (type !== 'BOOLEAN') break;
      page.offset += 4;
      walkRuns(page, { end, width: 1 }, present);
      return null;
    case 'PLAIN_DICTIONARY':
    case 'RLE_DICTIONARY': {
      if (type === 'BOOLEAN') break;
      const width = page.view.getUint8(page.offset++);
      // Pages of the first kind may leave out places of no bits.
      if (width > 32) return 'a page has places of more than 32 bits';
      if (!(isFirst && width === 0)) walkRuns(page, { end, width }, present);
      return null;
    }
  }
  return `a page is encoded as ${encoding}, which is not read here`;
}

/** Whether differences come in blocks that are no larger than programs make them. */
function hasUsualBlocks(page: Reader): boolean {
  const [size, parts] = [varint(page), varint(page)];
  return size > 0 && size <= MOST_IN_BLOCK && parts > 0 && size % parts === 0;
}

/** Differences in a block: 128 by most programs, 2,048 by DuckDB. */
const MOST_IN_BLOCK = 2 ** 16;

/** Counts the values that are there, by their levels of one bit. @throws RangeError where there are fewer levels */
function presentIn(page: Reader, end: number, values: number): number {
  let present = 0;
  const seen = walkRuns(page, { end, width: 1 }, values, (from, count, isPacked) => {
    const isSet = (k: number) => (page.view.getUint8(from + (k >> 3)) >> (k & 7)) & 1;
    if (isPacked) for (let k = 0; k < count; k++) present += isSet(k);
    else present += count * isSet(0);
  });
  if (seen === values) return present;
  throw new RangeError(`a page says of ${seen} of ${values} values whether they are there`);
}

/** Values to which packed ones may be filled up: to 8 by most programs, to 256 by DuckDB. */
const MOST_FILLED = 255;

/**
 * Walks over runs, of which each says how many values it has, until all values are there.
 *
 * @param onRun is told the place of each run's bytes, and how many of its values count
 * @returns number of values that the runs have
 * @throws RangeError where one is longer than what is left of the values
 */
function walkRuns(
  page: Reader,
  { end, width }: { end: number; width: number },
  values: number,
  onRun: (from: number, count: number, isPacked: boolean) => void = () => {},
): number {
  let seen = 0;
  while (seen < values && page.offset < end) {
    const head = varint(page);
    const isPacked = (head & 1) === 1;
    const count = isPacked ? (head >>> 1) * 8 : head >>> 1;
    if (count > values - seen + (isPacked ? MOST_FILLED : 0))
      throw new RangeError('a run of values is longer than its page');
    const taken = Math.min(count, values - seen);
    onRun(page.offset, taken, isPacked);
    page.offset += isPacked ? (count * width) / 8 : Math.ceil(width / 8);
    seen += taken;
  }
  return seen;
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
