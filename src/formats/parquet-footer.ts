import { CompactWriter } from './compact-protocol.js';

/** What the footer of a wide partition says: one row group, a column chunk of one page a column. */
export interface FooterContents {
  rowCount: number;
  /** Name of the column of token ids, whose smallest and largest one are given. */
  tokenId: { name: string; first: number; last: number };
  /** Names of the columns of projections. */
  names: readonly string[];
  /** Bytes of a column, its page header included. */
  columnStride: number;
  /** Where the first column begins. */
  firstOffset: number;
  /** Key-value metadata, in this order. */
  metadata: Readonly<Record<string, string>>;
  createdBy: string;
}

/** Numbers of the types, encodings and codecs that a partition has, as Parquet counts them. */
const INT32 = 1;
const FLOAT = 4;
const REQUIRED = 0;
const PLAIN = 0;
const UNCOMPRESSED = 0;

/** Some 50 a column. */
const BYTES_A_COLUMN = 64;

/** Serialises a footer, `FileMetaData` of the Parquet format, without its length behind it. */
export function parquetFooter(contents: FooterContents): Uint8Array {
  const { rowCount, names, tokenId, columnStride, metadata, createdBy } = contents;
  const columns = names.length + 1;
  const writer = new CompactWriter(BYTES_A_COLUMN * columns + 1024);
  writer.structElement(() => {
    // Nothing here needs a reader of version 2, and some readers refuse its number.
    writer.integer(1, 'i32', 1);
    writer.list(2, 'struct', columns + 1);
    writer.structElement(() => {
      writer.binary(4, 'schema');
      writer.integer(5, 'i32', columns);
    });
    writeColumn(writer, tokenId.name, INT32);
    for (const name of names) writeColumn(writer, name, FLOAT);
    writer.integer(3, 'i64', rowCount);
    writer.list(4, 'struct', 1);
    writer.structElement(() => {
      writer.list(1, 'struct', columns);
      writeChunk(writer, contents, 0);
      for (let column = 1; column < columns; column++) writeChunk(writer, contents, column);
      writer.integer(2, 'i64', columns * columnStride);
      writer.integer(3, 'i64', rowCount);
      writer.list(4, 'struct', 1);
      writeAscending(writer, 0);
      writer.integer(5, 'i64', contents.firstOffset);
      writer.integer(6, 'i64', columns * columnStride);
    });
    const pairs = Object.entries(metadata);
    writer.list(5, 'struct', pairs.length);
    for (const [key, value] of pairs) {
      writer.structElement(() => {
        writer.binary(1, key);
        writer.binary(2, value);
      });
    }
    writer.binary(6, createdBy);
    // All columns are ordered by their type.
    writer.list(7, 'struct', columns);
    for (let column = 0; column < columns; column++) writer.structElement(() => writer.struct(1, () => {}));
  });
  return writer.bytes();
}

/** A `SchemaElement`. */
function writeColumn(writer: CompactWriter, name: string, type: number): void {
  writer.structElement(() => {
    writer.integer(1, 'i32', type);
    writer.integer(3, 'i32', REQUIRED);
    writer.binary(4, name);
  });
}

/** A `ColumnChunk`, of the token ids where `column` is 0; only these have statistics. */
function writeChunk(writer: CompactWriter, contents: FooterContents, column: number): void {
  const { rowCount, names, tokenId, columnStride, firstOffset } = contents;
  const offset = firstOffset + column * columnStride;
  const isTokenId = column === 0;
  writer.structElement(() => {
    writer.integer(2, 'i64', offset);
    writer.struct(3, () => {
      writer.integer(1, 'i32', isTokenId ? INT32 : FLOAT);
      writer.list(2, 'i32', 1);
      writer.integerElement(PLAIN);
      writer.list(3, 'binary', 1);
      writer.binaryElement(isTokenId ? tokenId.name : names[column - 1]!);
      writer.integer(4, 'i32', UNCOMPRESSED);
      writer.integer(5, 'i64', rowCount);
      writer.integer(6, 'i64', columnStride);
      writer.integer(7, 'i64', columnStride);
      writer.integer(9, 'i64', offset);
      if (!isTokenId) return;
      writer.struct(12, () => {
        writer.integer(3, 'i64', 0);
        writer.binary(5, int32Bytes(tokenId.last));
        writer.binary(6, int32Bytes(tokenId.first));
      });
    });
  });
}

/** A `SortingColumn`: rows ascend by this column. */
function writeAscending(writer: CompactWriter, column: number): void {
  writer.structElement(() => {
    writer.integer(1, 'i32', column);
    writer.no(2);
    writer.no(3);
  });
}

function int32Bytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
