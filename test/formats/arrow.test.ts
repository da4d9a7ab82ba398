import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FixedSizeList, type Float32, type Int32, tableFromIPC } from 'apache-arrow';
import test from 'ava';
import pl from 'nodejs-polars';
import { InputError } from '../../src/errors.js';
import { type ArrowRows, encodeArrowRows, planArrow } from '../../src/formats/arrow.js';
import { checkArrowRows } from '../../src/formats/arrow-limits.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { sampleProjections, sampleSizes } from '../helpers/projections.js';

const metadata = { 'eigenshard.fingerprint': 'f00d', 'eigenshard.note': 'γ V, a row a token' };

const partitions = sampleSizes.map(
  (size): ArrowRows => ({ ...size, rows: sampleProjections(size.rowCount, size.columns), metadata }),
);

test('apache-arrow reads back ids and projections as one record batch without nulls', async (t) => {
  for (const partition of partitions) {
    const table = tableFromIPC<{ token_id: Int32; projection: FixedSizeList<Float32> }>(
      await encode(partition),
    );
    t.is(table.batches.length, 1);
    t.deepEqual([...table.getChild('token_id')!], ids(partition));
    const { values } = table.getChild('projection')!.data[0]!.children[0]!;
    // What apache-arrow calls the values ends with the padding to 8 bytes.
    t.deepEqual(
      bytesOf({ ...partition, rows: values.subarray(0, partition.rows.length) }),
      bytesOf(partition),
    );
    t.deepEqual(Object.fromEntries(table.schema.metadata), metadata);
    t.deepEqual(
      table.schema.fields.map(({ name, type, nullable }) => [name, String(type), nullable]),
      [
        ['token_id', 'Int32', false],
        ['projection', `FixedSizeList[${partition.columns}]<Float32>`, false],
      ],
    );
  }
});

test('Polars reads and scans the same values', async (t) => {
  for (const partition of partitions) {
    const file = join(scratchDirectory(t), 'part.arrow');
    const bytes = Buffer.from(await encode(partition));
    writeFileSync(file, bytes);
    for (const frame of [pl.readIPC(bytes), await pl.scanIPC(file).collect()]) {
      t.deepEqual(frame.getColumn('token_id').toArray(), ids(partition));
      const rows = frame.getColumn('projection').toArray() as Iterable<number>[];
      t.deepEqual(
        new Uint8Array(Float32Array.from(rows.flatMap((row) => [...row])).buffer),
        bytesOf(partition),
      );
    }
  }
});

test('the values are one aligned run of the file: the row-major matrix itself', async (t) => {
  for (const partition of partitions) {
    const offset = Buffer.from(await encode(partition)).indexOf(bytesOf(partition));
    t.true(offset > 0);
    // A single value may occur by chance earlier in the file.
    if (partition.rows.length > 1) t.is(offset % 8, 0);
  }
});

test('a planned partition is what is written but for its values', async (t) => {
  for (const partition of partitions) {
    const { rows, ...shape } = partition;
    const { bytes, head, tail, rowCount, columns } = await planArrow(shape);
    const written = Buffer.from(await encode(partition));
    t.deepEqual(Buffer.concat([head, bytesOf({ ...shape, rows }), tail]), written);
    t.deepEqual([bytes, rowCount, columns], [written.length, shape.rowCount, shape.columns]);
  }
});

test('the values are not copied', async (t) => {
  const [partition] = partitions.slice(-2);
  let shared = 0;
  for await (const chunk of encodeArrowRows(partition!)) {
    if (chunk.buffer === partition!.rows.buffer) shared += chunk.byteLength;
  }
  t.is(shared, partition!.rows.byteLength);
});

test('the same partition gives the same bytes', async (t) => {
  t.deepEqual(await encode(partitions[3]!), await encode(partitions[3]!));
});

test('a partition that no record batch holds, and a wrong number of values, are refused', async (t) => {
  const error = t.throws(() => checkArrowRows({ firstRow: 5, rowCount: 300_000, columns: 2560 }), {
    instanceOf: InputError,
  });
  t.regex(error.message, /\[5, 300005\).*lower --partition-rows to 209715 or less/);
  t.notThrows(() => checkArrowRows({ firstRow: 5, rowCount: 209_715, columns: 2560 }));
  await t.throwsAsync(encode({ ...partitions[0]!, rows: new Float32Array(2) }), {
    instanceOf: RangeError,
    message: /1 x 1 projections need 1 values, not 2/,
  });
});

async function encode(partition: ArrowRows): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodeArrowRows(partition)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function ids({ firstRow, rowCount }: ArrowRows): number[] {
  return Array.from({ length: rowCount }, (_, index) => firstRow + index);
}

function bytesOf({ rows }: ArrowRows): Uint8Array {
  return new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
}
