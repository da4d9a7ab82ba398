import {
  Field,
  FixedSizeList,
  Float32,
  Int32,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
} from 'apache-arrow';
import { checkArrowRows } from './arrow-limits.js';
import { tokenIds } from './token-ids.js';

export interface ArrowRows {
  /** The partition holds rows [firstRow, firstRow + rowCount) of the vocabulary. */
  firstRow: number;
  rowCount: number;
  /** Eigenvectors d. */
  columns: number;
  /** Projections, rowCount x d, row-major, float32. */
  rows: Float32Array;
  /** Metadata of the schema, in this order. */
  metadata: Readonly<Record<string, string>>;
}

/**
 * Encodes one partition as an Arrow IPC file: `token_id` int32 and `projection` FixedSizeList<float32>[d], neither
 * nullable, in one record batch. The values of `projection` are one contiguous run of the file, the row-major
 * matrix itself, at a multiple of 8 bytes: apache-arrow pads to 8, and readers ask for no more.
 *
 * The chunks come in file order. The one with the values is a view of `rows`, not a copy: `rows` must stay as it
 * is until the last chunk has been written.
 *
 * @throws InputError where the partition is larger than apache-arrow can encode, or a token id than an int32
 */
export async function* encodeArrowRows(partition: ArrowRows): AsyncGenerator<Uint8Array, void, undefined> {
  const { firstRow, rowCount, columns, rows, metadata } = partition;
  checkArrowRows({ firstRow, rowCount, columns });
  if (rows.length !== rowCount * columns) {
    throw new RangeError(
      `encodeArrowRows: ${rowCount} x ${columns} projections need ${rowCount * columns} values, not ${rows.length}`,
    );
  }
  const element = new Field('item', new Float32(), false);
  const projection = new FixedSizeList(columns, element);
  const schema = new Schema(
    [new Field('token_id', new Int32(), false), new Field('projection', projection, false)],
    new Map(Object.entries(metadata)),
  );
  const ids = makeData({ type: new Int32(), data: tokenIds(firstRow, rowCount) });
  const values = makeData({ type: element.type, data: rows });
  const lists = makeData({ type: projection, length: rowCount, nullCount: 0, child: values });
  const struct = makeData({
    type: new Struct(schema.fields),
    length: rowCount,
    nullCount: 0,
    children: [ids, lists],
  });
  const writer = new RecordBatchFileWriter();
  writer.write(new RecordBatch(schema, struct));
  writer.finish();
  yield* writer;
}

/** Bytes of the file that `encodeArrowRows` makes of a partition with these rows, columns and metadata. */
export async function arrowFileBytes(partition: Omit<ArrowRows, 'rows'>): Promise<number> {
  checkArrowRows(partition);
  // All but the two buffers has the same length for any number of rows: its numbers have a fixed width.
  const one = { ...partition, rowCount: 1, rows: new Float32Array(partition.columns) };
  let bytes = bufferBytes(partition) - bufferBytes(one);
  for await (const chunk of encodeArrowRows(one)) bytes += chunk.length;
  return bytes;
}

/** The buffers of token ids and of projections, each padded. */
function bufferBytes({ rowCount, columns }: Pick<ArrowRows, 'rowCount' | 'columns'>): number {
  const padded = (values: number) => Math.ceil((values * VALUE_BYTES) / PADDING) * PADDING;
  return padded(rowCount) + padded(rowCount * columns);
}

/** Of an int32 and of a float32 alike. */
const VALUE_BYTES = 4;

const PADDING = 8;
