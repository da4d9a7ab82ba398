import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { InputError } from '../errors.js';
import { parquetFooter } from './parquet-footer.js';
import { checkTokenIds, tokenIds } from './token-ids.js';

/**
 * Where everything lies in a wide Parquet partition. Plain data: a layout may be printed and sent to a worker.
 *
 *   PAR1 | header | ids | header | e0000 | header | e0001 | ... | footer, its length, PAR1
 *                                ^                ^
 *                                firstDataOffset  firstDataOffset + columnStride
 *
 * All these headers are the same bytes, because a page header names no column and every value has 4 bytes.
 */
export interface ParquetLayout {
  /** Size of the whole file. */
  bytes: number;
  /** The partition holds rows [firstRow, firstRow + rowCount) of the vocabulary. */
  firstRow: number;
  rowCount: number;
  /** Eigenvectors d, one column each. */
  columns: number;
  /** The page header of every column, `token_id` included. */
  columnHeader: Uint8Array;
  /** Value (row, j) is the little-endian float32 at firstDataOffset + j * columnStride + row * 4, on no boundary. */
  firstDataOffset: number;
  columnStride: number;
  footerOffset: number;
  /** Footer, its length and the closing magic. */
  footer: Uint8Array;
}

export interface ParquetOptions {
  firstRow: number;
  rowCount: number;
  /** Eigenvectors d. */
  columns: number;
  /** Key-value metadata of the file, in this order. */
  metadata: Readonly<Record<string, string>>;
  /** The program, as readers report it: 'eigenshard version 1.2.3'. */
  createdBy: string;
}

/**
 * Plans the Parquet file of one partition: `token_id` INT32 and d FLOAT columns, all REQUIRED, PLAIN and
 * uncompressed, in one row group with one data page a column. Nothing in such a file but the values themselves
 * depends on the values, so all offsets and all bytes around the values are known before the product is computed.
 *
 * Only `token_id` has statistics, by which engines skip whole files; those of the other columns would need every
 * value first and prune nothing, since each partition spans nearly the same range.
 *
 * @throws InputError where a column is larger than a page can be (2 GiB), or a token id than an int32
 */
export function planParquet(options: ParquetOptions): ParquetLayout {
  checkSizes(options);
  const { firstRow, rowCount, columns } = options;
  const columnHeader = pageHeader(rowCount);
  const columnStride = columnHeader.length + rowCount * VALUE_BYTES;
  const footerOffset = magic.length + (columns + 1) * columnStride;
  const footer = footerOf(options, columnStride);
  return {
    bytes: footerOffset + footer.length,
    firstRow,
    rowCount,
    columns,
    columnHeader,
    firstDataOffset: magic.length + columnStride + columnHeader.length,
    columnStride,
    footerOffset,
    footer,
  };
}

/**
 * Writes everything but the projections into `image`: magic, page headers, token ids, footer. The projections,
 * transposed, may be there already or follow later; their bytes are not touched.
 *
 * @param image exactly `layout.bytes` bytes, the file to be
 */
export function writeParquetFrame(layout: ParquetLayout, image: Uint8Array): void {
  if (image.length !== layout.bytes) {
    throw new RangeError(`writeParquetFrame: the image must have ${layout.bytes} bytes, not ${image.length}`);
  }
  const { columns, columnHeader, columnStride } = layout;
  const head = parquetHead(layout);
  image.set(head, 0);
  for (let column = 0; column < columns; column++) {
    image.set(columnHeader, head.length + column * columnStride);
  }
  image.set(layout.footer, layout.footerOffset);
}

/** The file up to the first column of projections: magic, and the whole column of token ids. */
export function parquetHead({ firstRow, rowCount, columnHeader }: ParquetLayout): Uint8Array {
  return Buffer.concat([magic, columnHeader, new Uint8Array(tokenIds(firstRow, rowCount).buffer)]);
}

/** The name of the column of eigenvector `index` of `d`: e0000, e0001, ...; as wide as the last one needs. */
export function eigenvectorColumn(index: number, d: number): string {
  return `e${String(index).padStart(Math.max(4, String(d - 1).length), '0')}`;
}

const TOKEN_ID = 'token_id';

/** Of an INT32 and of a FLOAT alike, which is why one page header serves all columns. */
const VALUE_BYTES = 4;

/** A page header holds the page's size as a signed 32-bit integer. */
const MAX_PAGE_VALUES = Math.floor((2 ** 31 - 1) / VALUE_BYTES);

const magic = new TextEncoder().encode('PAR1');

function checkSizes({ firstRow, rowCount, columns }: ParquetOptions): void {
  for (const [name, value] of Object.entries({ rowCount, columns })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`planParquet: ${name} must be a whole number from 1, not ${value}`);
    }
  }
  if (rowCount > MAX_PAGE_VALUES) {
    throw new InputError(
      `Parquet partition of rows [${firstRow}, ${firstRow + rowCount}): ${rowCount} values of a column do not fit ` +
        `into a page, which takes 2 GiB; lower --partition-rows to ${MAX_PAGE_VALUES} or less`,
    );
  }
  checkTokenIds(firstRow, rowCount);
}

function pageHeader(rowCount: number): Uint8Array {
  const writer = new ByteWriter();
  writePageHeader(writer, {
    type: 'DATA_PAGE',
    uncompressed_page_size: rowCount * VALUE_BYTES,
    compressed_page_size: rowCount * VALUE_BYTES,
    data_page_header: {
      num_values: rowCount,
      encoding: 'PLAIN',
      // A REQUIRED column at the top level has no levels; the fields are mandatory all the same.
      definition_level_encoding: 'RLE',
      repetition_level_encoding: 'RLE',
    },
  });
  return writer.getBytes();
}

/** Stand for the first and last token id in a footer's template; found again by their bytes. */
const SENTINELS = { first: 0x51ab0d01, last: 0x51ab0d02 };

/** A serialised footer, and where the statistics of `token_id` lie in it. */
interface FooterTemplate {
  key: string;
  bytes: Uint8Array;
  firstOffset: number;
  lastOffset: number;
}

let held: FooterTemplate | undefined;

/**
 * The footers of equally large partitions differ in two numbers alone, and serialising 2,561 columns takes 5
 * to 30 ms: the last one is kept, and the numbers are put in.
 */
function footerOf(options: ParquetOptions, columnStride: number): Uint8Array {
  const { firstRow, rowCount, columns, metadata, createdBy } = options;
  const key = JSON.stringify([rowCount, columns, metadata, createdBy]);
  if (held?.key !== key) held = { key, ...footerTemplate(options, columnStride) };
  const footer = held.bytes.slice();
  const view = new DataView(footer.buffer);
  view.setInt32(held.firstOffset, firstRow, true);
  view.setInt32(held.lastOffset, firstRow + rowCount - 1, true);
  return footer;
}

function footerTemplate(options: ParquetOptions, columnStride: number): Omit<FooterTemplate, 'key'> {
  const bytes = footerBytes(options, columnStride, SENTINELS);
  const offsetOf = (id: number) => {
    const pattern = new Uint8Array(Int32Array.of(id).buffer);
    const offset = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(pattern);
    if (offset < 0) throw new Error('planParquet: the statistics of token_id are not in the footer');
    return offset;
  };
  return { bytes, firstOffset: offsetOf(SENTINELS.first), lastOffset: offsetOf(SENTINELS.last) };
}

function footerBytes(
  { rowCount, columns, metadata, createdBy }: ParquetOptions,
  columnStride: number,
  tokenIds: { first: number; last: number },
): Uint8Array {
  const names = Array.from({ length: columns }, (_, index) => eigenvectorColumn(index, columns));
  const tokenId = { name: TOKEN_ID, ...tokenIds };
  const firstOffset = magic.length;
  const footer = parquetFooter({ rowCount, tokenId, names, columnStride, firstOffset, metadata, createdBy });
  const bytes = new Uint8Array(footer.length + 4 + magic.length);
  bytes.set(footer);
  new DataView(bytes.buffer).setUint32(footer.length, footer.length, true);
  bytes.set(magic, footer.length + 4);
  return bytes;
}
