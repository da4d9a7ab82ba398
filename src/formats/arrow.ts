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

/** Where everything lies in an Arrow partition: the values follow on `head`, row-major, and `tail` on the values. */
export interface ArrowLayout {
  /** Size of the whole file. */
  bytes: number;
  rowCount: number;
  /** Eigenvectors d. */
  columns: number;
  /** All that comes before the values: schema and token ids. */
  head: Uint8Array;
  /** All that comes after them: filling and footer. */
  tail: Uint8Array;
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

/**
 * Plans the Arrow file of one partition. Nothing in such a file but the values themselves depends on the values, so that
 * it is read without asking it what it holds: apache-arrow does not come to an end with some damaged files.
 *
 * @throws InputError where the partition is larger than apache-arrow can encode, or a token id than an int32
 */
export async function planArrow(partition: Omit<ArrowRows, 'rows'>): Promise<ArrowLayout> {
  const { rowCount, columns } = partition;
  checkArrowRows(partition);
  // Nobody touches this memory, and so the system provides none.
  const rows = new Float32Array(rowCount * columns);
  const before: Uint8Array[] = [];
  const behind: Uint8Array[] = [];
  let side = before;
  for await (const chunk of encodeArrowRows({ ...partition, rows })) {
    if (chunk.buffer === rows.buffer) side = behind;
    else side.push(chunk);
  }
  const head = Buffer.concat(before);
  const tail = Buffer.concat(behind);
  return { bytes: head.length + rows.byteLength + tail.length, rowCount, columns, head, tail };
}
