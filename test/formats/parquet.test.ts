import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { asyncBufferFromFile, parquetMetadata, parquetReadObjects } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import pl from 'nodejs-polars';
import parquetjs from 'parquetjs-lite';
import { InputError } from '../../src/errors.js';
import {
  eigenvectorColumn,
  type ParquetLayout,
  parquetHead,
  planParquet,
  writeParquetFrame,
} from '../../src/formats/parquet.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { sampleProjections, sampleSizes } from '../helpers/projections.js';

const metadata = { 'eigenshard.fingerprint': 'f00d', 'eigenshard.note': 'γ V, a row a token' };
const createdBy = 'eigenshard version 1.2.3';

type Row = Record<string, number>;

/** Each reader gives all rows of a file as objects, in order. */
const readers: Record<string, (file: string) => Promise<Row[]>> = {
  hyparquet: async (file) => parquetReadObjects({ file: await asyncBufferFromFile(file) }),
  DuckDB: (file) => query(`SELECT * FROM '${file}'`),
  Polars: async (file) => pl.readParquet(file).toRecords() as Row[],
  'parquetjs-lite': async (file) => {
    const reader = await parquetjs.ParquetReader.openFile(file);
    const cursor = reader.getCursor();
    const rows: Row[] = [];
    for (let row = await cursor.next(); row !== null; row = await cursor.next()) rows.push({ ...row } as Row);
    await reader.close();
    return rows;
  },
};

for (const [name, read] of Object.entries(readers)) {
  test(`${name} reads back every token id and projection, bit for bit`, async (t) => {
    for (const size of sampleSizes) {
      const { file, values } = writePartition(t, size);
      const rows = await read(file);
      t.is(rows.length, size.rowCount);
      const columns = Array.from({ length: size.columns }, (_, j) => eigenvectorColumn(j, size.columns));
      t.deepEqual(Object.keys(rows[0]!), ['token_id', ...columns]);
      t.deepEqual(
        rows.map((row) => row.token_id),
        rows.map((_, index) => size.firstRow + index),
      );
      const stored = Float32Array.from(rows.flatMap((row) => columns.map((column) => row[column])));
      t.deepEqual(bits(stored), bits(values));
    }
  });
}

test('engines see required columns, one row group, and statistics of token_id alone', async (t) => {
  const { file } = writePartition(t, { firstRow: 300, rowCount: 20, columns: 3 });
  const chunks = await query(
    `SELECT path_in_schema, row_group_id::INTEGER AS row_group, compression, encodings, stats_min_value, stats_max_value
     FROM parquet_metadata('${file}')`,
  );
  const common = { row_group: 0, compression: 'UNCOMPRESSED', encodings: 'PLAIN' };
  const none = { stats_min_value: null, stats_max_value: null };
  t.deepEqual<unknown, unknown>(chunks, [
    { path_in_schema: 'token_id', ...common, stats_min_value: '300', stats_max_value: '319' },
    { path_in_schema: 'e0000', ...common, ...none },
    { path_in_schema: 'e0001', ...common, ...none },
    { path_in_schema: 'e0002', ...common, ...none },
  ]);
  const schema = await query(
    `SELECT name, type, repetition_type FROM parquet_schema('${file}') WHERE num_children IS NULL`,
  );
  t.deepEqual<unknown, unknown>(
    schema,
    ['token_id', 'e0000', 'e0001', 'e0002'].map((name) => ({
      name,
      type: name === 'token_id' ? 'INT32' : 'FLOAT',
      repetition_type: 'REQUIRED',
    })),
  );
});

test('several partitions are one table, and a filter on token_id finds its row', async (t) => {
  const directory = scratchDirectory(t);
  for (const [index, firstRow] of [0, 10, 20].entries()) {
    writePartition(t, { firstRow, rowCount: 10, columns: 4 }, join(directory, `part-${index}.parquet`));
  }
  const files = join(directory, '*.parquet');
  t.deepEqual(await query(`SELECT count(*)::INTEGER AS n, sum(token_id)::INTEGER AS ids FROM '${files}'`), [
    { n: 30, ids: 435 },
  ]);
  t.deepEqual(await query(`SELECT token_id FROM '${files}' WHERE token_id = 17`), [{ token_id: 17 }]);
  const found = await pl
    .scanParquet(files)
    .filter(pl.col('token_id').eq(pl.lit(23)))
    .collect();
  t.deepEqual(found.getColumn('token_id').toArray(), [23]);
});

test('the metadata and the name of the program are in the footer', (t) => {
  const { layout } = writePartition(t, { firstRow: 0, rowCount: 2, columns: 2 });
  const footer = readFooter(layout);
  t.deepEqual(
    footer.key_value_metadata,
    Object.entries(metadata).map(([key, value]) => ({ key, value })),
  );
  t.is(footer.created_by, createdBy);
});

test('the footer finds every column where the layout puts it', (t) => {
  const layout = planParquet({ firstRow: 0, rowCount: 1000, columns: 2560, metadata, createdBy });
  const [ids, ...floats] = readFooter(layout).row_groups[0]!.columns.map(({ meta_data }) => meta_data!);
  const head = parquetHead(layout);
  t.is(Number(ids!.data_page_offset), 4);
  t.is(4 + Number(ids!.total_compressed_size), head.length);
  for (const [column, { data_page_offset, total_compressed_size }] of floats.entries()) {
    const pageOffset = Number(data_page_offset);
    t.is(pageOffset, head.length + column * layout.columnStride);
    t.is(pageOffset + layout.columnHeader.length, layout.firstDataOffset + column * layout.columnStride);
    t.is(Number(total_compressed_size), layout.columnStride);
  }
  t.is(layout.footerOffset, head.length + 2560 * layout.columnStride);
  t.is(layout.bytes, layout.footerOffset + layout.footer.length);
});

test('the footer has the bytes that hyparquet-writer gives to what is read from it', (t) => {
  for (const columns of [1, 13, 14, 126, 2560]) {
    const layout = planParquet({ firstRow: 300, rowCount: 70_000, columns, metadata, createdBy });
    const writer = new ByteWriter();
    writeMetadata(writer, readFooter(layout));
    writer.appendBytes(new TextEncoder().encode('PAR1'));
    t.true(Buffer.from(layout.footer).equals(writer.getBytes()), `${columns} columns`);
  }
});

test('the frame does not touch the projections', (t) => {
  const layout = planParquet({ firstRow: 9, rowCount: 5, columns: 3, metadata, createdBy });
  const images = [0x00, 0xff].map((byte) => {
    const image = new Uint8Array(layout.bytes).fill(byte);
    writeParquetFrame(layout, image);
    return image;
  });
  const differing = [...images[0]!.keys()].filter((index) => images[0]![index] !== images[1]![index]);
  const values = [0, 1, 2].flatMap((column) =>
    Array.from({ length: 5 * 4 }, (_, byte) => layout.firstDataOffset + column * layout.columnStride + byte),
  );
  t.deepEqual(differing, values);
});

test('a layout is plain data: it survives the way to a worker', (t) => {
  const layout = planParquet({ firstRow: 0, rowCount: 3, columns: 2, metadata, createdBy });
  const image = new Uint8Array(layout.bytes);
  writeParquetFrame(layout, image);
  const copy = new Uint8Array(layout.bytes);
  writeParquetFrame(structuredClone(layout), copy);
  t.deepEqual(copy, image);
});

test('the largest page is planned with 64-bit offsets, a larger one refused', (t) => {
  const rowCount = 2 ** 29 - 1;
  const layout = planParquet({ firstRow: 0, rowCount, columns: 3, metadata, createdBy });
  const footer = readFooter(layout);
  t.is(footer.num_rows, BigInt(rowCount));
  const last = footer.row_groups[0]!.columns[3]!.meta_data!;
  t.is(Number(last.data_page_offset), layout.footerOffset - layout.columnStride);
  t.true(layout.bytes > 4 * 4 * rowCount);

  const error = t.throws(
    () => planParquet({ firstRow: 0, rowCount: rowCount + 1, columns: 3, metadata, createdBy }),
    { instanceOf: InputError },
  );
  t.regex(error.message, /\[0, 536870912\).*lower --partition-rows to 536870911/);
});

test('impossible sizes and a wrong image are refused', (t) => {
  const plan = (rowCount: number, columns: number) =>
    planParquet({ firstRow: 0, rowCount, columns, metadata, createdBy });
  t.throws(() => plan(0, 1), { instanceOf: RangeError, message: /rowCount .* not 0/ });
  t.throws(() => plan(1, 1.5), { instanceOf: RangeError, message: /columns .* not 1.5/ });
  t.throws(() => planParquet({ firstRow: 2 ** 31, rowCount: 1, columns: 1, metadata, createdBy }), {
    instanceOf: InputError,
  });
  const layout = plan(2, 2);
  t.throws(() => writeParquetFrame(layout, new Uint8Array(layout.bytes - 1)), { instanceOf: RangeError });
});

test('column names have four digits, or as many as the last one needs', (t) => {
  t.is(eigenvectorColumn(0, 1), 'e0000');
  t.is(eigenvectorColumn(2559, 2560), 'e2559');
  t.is(eigenvectorColumn(7, 10_000), 'e0007');
  t.is(eigenvectorColumn(7, 10_001), 'e00007');
});

function writePartition(
  t: ExecutionContext,
  size: { firstRow: number; rowCount: number; columns: number },
  file = join(scratchDirectory(t), 'part.parquet'),
): { file: string; values: Float32Array; layout: ParquetLayout } {
  const values = sampleProjections(size.rowCount, size.columns);
  const layout = planParquet({ ...size, metadata, createdBy });
  const image = new Uint8Array(layout.bytes);
  writeParquetFrame(layout, image);
  const view = new DataView(image.buffer);
  for (const [index, value] of values.entries()) {
    const row = Math.floor(index / size.columns);
    const column = index % size.columns;
    view.setFloat32(layout.firstDataOffset + column * layout.columnStride + row * 4, value, true);
  }
  writeFileSync(file, image);
  t.is(readFileSync(file).length, layout.bytes);
  return { file, values, layout };
}

function readFooter({ footer }: ParquetLayout) {
  return parquetMetadata(Uint8Array.from(footer).buffer);
}

async function query(sql: string): Promise<Row[]> {
  const connection = await (await DuckDBInstance.create()).connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJS() as Row[];
  } finally {
    connection.closeSync();
  }
}

function bits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
