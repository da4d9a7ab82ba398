/**
 * Writers of one partition: everything from a row-major Float32Array in memory to the closed file, in MB of
 * projections a second, beside a plain write of the same bytes. No writer waits for the disk. Each writes several
 * new files in a row, so that all pay alike for fresh pages of the cache; every file is read back and compared
 * before its time counts, and removed.
 *
 * parquet-wasm and hyparquet-writer take columns: they get them from our own transposition kernel. parquetjs-lite
 * takes one row at a time, and few rows here; its rate is that of these.
 *
 * usage: node dist/benchmarks/writers.js [--rows N] [--hidden N] [--files N] [--runs N] [--directory DIR]
 */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  Field,
  type FixedSizeList,
  Float32,
  Int32,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  tableFromIPC,
} from 'apache-arrow';
import { parquetRead } from 'hyparquet';
import { parquetWriteFile } from 'hyparquet-writer';
import { EnabledStatistics, Table, WriterPropertiesBuilder, writeParquet } from 'parquet-wasm';
import parquetjs from 'parquetjs-lite';
import { createPartialFile, writeFully } from '../src/files/partial-file.js';
import { encodeArrowRows } from '../src/formats/arrow.js';
import { eigenvectorColumn, planParquet, writeParquetFrame } from '../src/formats/parquet.js';
import { tokenIds } from '../src/formats/token-ids.js';
import { KernelMemory } from '../src/linalg/kernels/kernel-memory.js';
import { loadRowKernels } from '../src/linalg/kernels/row-kernels.js';
import { createdBy } from '../src/version.js';
import { seededRandom } from '../test/helpers/random.js';
import { alignedRows, machineLine, median, spread, wholeNumber } from './figures.js';
import { interleave } from './rounds.js';

const root = path.resolve(import.meta.dirname, '../..');
const { values: given } = parseArgs({
  options: {
    rows: { type: 'string', default: '6144' },
    hidden: { type: 'string', default: '2560' },
    files: { type: 'string', default: '3' },
    runs: { type: 'string', default: '5' },
    directory: { type: 'string', default: path.join(root, 'runs', 'benchmark-writers') },
  },
});
const rows = wholeNumber(given.rows);
const d = wholeNumber(given.hidden);
const files = wholeNumber(given.files);
const runs = wholeNumber(given.runs);
const { directory } = given;

/** Rows for parquetjs-lite, which needs milliseconds a row. */
const FEW_ROWS = Math.min(rows, 128);

interface Written {
  file: string;
  /** First row that the file holds. */
  firstRow: number;
  /** Number of rows that the file holds. */
  rowCount: number;
}

interface Writer {
  name: string;
  rowCount: number;
  files: number;
  write: (partition: Written) => void | Promise<void>;
  check: (partition: Written) => void | Promise<void>;
}

const metadata = { 'eigenshard.benchmark': 'writers' };
const names = Array.from({ length: d }, (_, j) => eigenvectorColumn(j, d));
const memory = new KernelMemory('');
const kernels = loadRowKernels(memory);
const template = planParquet({ firstRow: 0, rowCount: rows, columns: d, metadata, createdBy });
const regions = memory.allot({ rows: rows * d * 4, columns: rows * d * 4, image: template.bytes });
const projections = regions.rows.float32;
const random = seededRandom(rows);
for (let index = 0; index < projections.length; index++) projections[index] = random();
const expectedColumns = transposed();
const sameBytes = plainImage();

const writers: Writer[] = [
  { name: 'plain write', rowCount: rows, files, write: writePlainly, check: checkBytes },
  { name: 'eigenshard Parquet', rowCount: rows, files, write: writeOurParquet, check: checkParquet },
  { name: 'eigenshard Arrow', rowCount: rows, files, write: writeOurArrow, check: checkArrow },
  { name: 'parquet-wasm', rowCount: rows, files, write: writeParquetWasm, check: checkParquet },
  { name: 'hyparquet-writer', rowCount: rows, files, write: writeHyparquet, check: checkParquet },
  { name: 'parquetjs-lite', rowCount: FEW_ROWS, files: 1, write: writeParquetjs, check: checkParquet },
];

mkdirSync(directory, { recursive: true });
try {
  const contenders = writers.map((writer) => ({ name: writer.name, run: () => rate(writer) }));
  print(await interleave(contenders, { rounds: runs, memoryBytes: 8 * files * rows * d * 4 }));
} finally {
  rmSync(directory, { recursive: true });
}

/** Rate in megabytes of projections a second, over all files of one turn. */
async function rate({ name, rowCount, files: count, write, check }: Writer): Promise<number> {
  // What an earlier turn left there must not pass for this turn's.
  regions.image.bytes.fill(0);
  regions.columns.bytes.fill(0);
  const partitions = Array.from({ length: count }, (_, index): Written => {
    return { file: path.join(directory, `part-${index}`), firstRow: index * rowCount, rowCount };
  });
  const started = performance.now();
  for (const partition of partitions) await write(partition);
  const seconds = (performance.now() - started) / 1000;
  for (const partition of partitions) {
    try {
      await check(partition);
    } catch (cause) {
      throw new Error(`${name}: file ${partition.file} does not hold what was written`, { cause });
    }
    rmSync(partition.file);
  }
  return (count * rowCount * d * 4) / seconds / 1e6;
}

function print(rates: Map<string, number[]>): void {
  const plain = median(rates.get('plain write')!);
  const megabytes = ((rows * d * 4) / 1e6).toFixed(1);
  console.log(`partitions of ${rows} x ${d} float32, ${megabytes} MB, ${files} files a turn,`);
  console.log(`${runs} interleaved runs, ${machineLine()}\n`);
  console.log(
    alignedRows([
      ['', 'MB/s, median (min to max)', 'of the plain write', 'seconds a partition'],
      ...writers.map(({ name, rowCount }) => {
        const values = rates.get(name)!;
        const seconds = ((rows * d * 4) / 1e6 / median(values)).toFixed(3);
        return [
          name,
          spread(values, median(values) < 10 ? 2 : 0),
          `${((100 * median(values)) / plain).toFixed(1)} %`,
          rowCount === rows ? seconds : `${seconds}, extrapolated from ${rowCount} rows`,
        ];
      }),
    ]),
  );
}

function writePlainly({ file }: Written): void {
  writeBytes(file, sameBytes);
}

/** Writes Parquet as a worker does, but for the checksum. */
function writeOurParquet({ file, firstRow, rowCount }: Written): void {
  const { rows: source, image } = regions;
  const layout = planParquet({ firstRow, rowCount, columns: d, metadata, createdBy });
  kernels.transposeRows(
    source.offset,
    rowCount,
    d,
    image.offset + layout.firstDataOffset,
    layout.columnStride,
  );
  writeParquetFrame(layout, image.bytes);
  const partial = createPartialFile(file);
  partial.write(image.bytes);
  partial.commit({ durable: false });
}

async function writeOurArrow({ file, firstRow, rowCount }: Written): Promise<void> {
  const partial = createPartialFile(file);
  const partition = { firstRow, rowCount, columns: d, rows: projections, metadata };
  for await (const chunk of encodeArrowRows(partition)) partial.write(chunk);
  partial.commit({ durable: false });
}

function writeParquetWasm({ file, firstRow, rowCount }: Written): void {
  const fields = [
    new Field('token_id', new Int32(), false),
    ...names.map((name) => new Field(name, new Float32(), false)),
  ];
  const children = [
    makeData({ type: new Int32(), data: tokenIds(firstRow, rowCount) }),
    ...columnsOf(rowCount).map((data) => makeData({ type: new Float32(), data })),
  ];
  const struct = makeData({ type: new Struct(fields), length: rowCount, nullCount: 0, children });
  const writer = new RecordBatchStreamWriter();
  writer.write(new RecordBatch(new Schema(fields), struct));
  writer.finish();
  const properties = new WriterPropertiesBuilder()
    .setDictionaryEnabled(false)
    .setStatisticsEnabled(EnabledStatistics.None)
    .setMaxRowGroupSize(rowCount)
    .build();
  writeBytes(file, writeParquet(Table.fromIPCStream(writer.toUint8Array(true)), properties));
}

function writeHyparquet({ file, firstRow, rowCount }: Written): void {
  const plain = { nullable: false, encoding: 'PLAIN', offsetIndex: false } as const;
  parquetWriteFile({
    filename: file,
    codec: 'UNCOMPRESSED',
    statistics: false,
    rowGroupSize: rowCount,
    columnData: [
      { name: 'token_id', data: tokenIds(firstRow, rowCount), type: 'INT32', ...plain },
      ...columnsOf(rowCount).map((data, j) => ({ name: names[j]!, data, type: 'FLOAT' as const, ...plain })),
    ],
  });
}

/** Part of parquetjs-lite, which has no types, that writes. */
interface ParquetjsWriting {
  ParquetSchema: new (fields: Record<string, { type: string }>) => object;
  ParquetWriter: { openFile(schema: object, file: string): Promise<ParquetjsWriter> };
}

interface ParquetjsWriter {
  appendRow(row: Record<string, number>): Promise<void>;
  close(): Promise<void>;
}

async function writeParquetjs({ file, firstRow, rowCount }: Written): Promise<void> {
  const { ParquetSchema, ParquetWriter } = parquetjs as unknown as ParquetjsWriting;
  const floats = names.map((name) => [name, { type: 'FLOAT' }]);
  const schema = new ParquetSchema({ token_id: { type: 'INT32' }, ...Object.fromEntries(floats) });
  const writer = await ParquetWriter.openFile(schema, file);
  for (let i = 0; i < rowCount; i++) {
    const row: Record<string, number> = { token_id: firstRow + i };
    for (let j = 0; j < d; j++) row[names[j]!] = projections[i * d + j]!;
    await writer.appendRow(row);
  }
  await writer.close();
}

/** Projections as one array a column, by our kernel. */
function columnsOf(rowCount: number): Float32Array[] {
  const { rows: source, columns } = regions;
  kernels.transposeRows(source.offset, rowCount, d, columns.offset, rowCount * 4);
  return names.map((_, j) => columns.float32.subarray(j * rowCount, (j + 1) * rowCount));
}

function writeBytes(file: string, bytes: Uint8Array): void {
  const descriptor = openSync(file, 'w');
  writeFully(descriptor, bytes, null, file);
  closeSync(descriptor);
}

function checkBytes({ file }: Written): void {
  if (!readFileSync(file).equals(sameBytes)) throw new Error('the bytes differ');
}

/** Checks a file by hyparquet: all columns there are, each value, and nothing else. */
async function checkParquet({ file, firstRow, rowCount }: Written): Promise<void> {
  const bytes = readFileSync(file);
  const { buffer } = new Uint8Array(bytes);
  let compared = 0;
  await parquetRead({
    file: { byteLength: buffer.byteLength, slice: (start, end) => buffer.slice(start, end) },
    onChunk: ({ columnName, columnData, rowStart }) => {
      const values = columnData as ArrayLike<number>;
      const column = columnName === 'token_id' ? null : Number(columnName.slice(1));
      for (let index = 0; index < values.length; index++) {
        const row = rowStart + index;
        const expected = column === null ? firstRow + row : expectedColumns[column * rows + row];
        if (values[index] !== expected) {
          throw new Error(`${columnName}, row ${row}: ${values[index]}, not ${expected}`);
        }
      }
      compared += values.length;
    },
  });
  if (compared !== rowCount * (d + 1)) {
    throw new Error(`${compared} values in the file, not ${rowCount * (d + 1)}`);
  }
}

function checkArrow({ file, firstRow, rowCount }: Written): void {
  const stored = tableFromIPC<{ token_id: Int32; projection: FixedSizeList<Float32> }>(readFileSync(file));
  const ids = stored.getChild('token_id')!.toArray();
  const { values } = stored.getChild('projection')!.data[0]!.children[0]!;
  const same = (a: Float32Array | Int32Array, b: Float32Array | Int32Array) =>
    Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(
      Buffer.from(b.buffer, b.byteOffset, b.byteLength),
    );
  if (!same(ids, tokenIds(firstRow, rowCount))) throw new Error('the token ids differ');
  // What apache-arrow calls the values ends with the padding to 8 bytes.
  if (!same(values.subarray(0, projections.length), projections)) throw new Error('the projections differ');
}

/** Projections, column by column; not by the kernel, which is on trial too. */
function transposed(): Float32Array {
  const out = new Float32Array(rows * d);
  const tile = 32;
  for (let top = 0; top < rows; top += tile) {
    for (let j = 0; j < d; j++) {
      for (let i = top; i < Math.min(top + tile, rows); i++) out[j * rows + i] = projections[i * d + j]!;
    }
  }
  return out;
}

/** Copy of the Parquet file of this partition, which the plain write writes. */
function plainImage(): Uint8Array {
  const { rows: source, image } = regions;
  kernels.transposeRows(
    source.offset,
    rows,
    d,
    image.offset + template.firstDataOffset,
    template.columnStride,
  );
  writeParquetFrame(template, image.bytes);
  return image.bytes.slice();
}
