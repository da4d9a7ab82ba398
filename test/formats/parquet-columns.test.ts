import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import test from 'ava';
import { parquetWriteFile } from 'hyparquet-writer';
import pl from 'nodejs-polars';
import { InputError } from '../../src/errors.js';
import { openParquetColumns } from '../../src/formats/parquet-columns.js';
import { trials } from '../helpers/campaign.js';
import { scratchDirectory, scratchFile } from '../helpers/fixtures.js';
import { randomNumbers } from '../helpers/random.js';

test('columns come whole over row groups, null as NaN where numbers are asked for', async (t) => {
  const filename = join(scratchDirectory(t), 'a.parquet');
  parquetWriteFile({
    filename,
    codec: 'UNCOMPRESSED',
    columnData: [
      { name: 'id', data: Int32Array.of(1, 2, 3, 4, 5), type: 'INT32' },
      { name: 'z', data: [0.5, null, -1, 1e-300, null], type: 'DOUBLE' },
      { name: 'text', data: ['a', null, '中', '', 'b'], type: 'STRING' },
    ],
    rowGroupSize: 2,
  });
  const columns = await openParquetColumns(filename, 'the table');
  t.is(columns.rows, 5);
  t.deepEqual(columns.names, ['id', 'z', 'text']);
  t.deepEqual(await columns.numbers('id'), Float64Array.of(1, 2, 3, 4, 5));
  t.deepEqual(await columns.numbers('z'), Float64Array.of(0.5, Number.NaN, -1, 1e-300, Number.NaN));
  t.deepEqual(Array.from(await columns.values('text')), ['a', null, '中', '', 'b']);
  const [ids, z] = [[1, 2, 3, 4, 5], await columns.numbers('z')];
  for (let first = 0; first <= 5; first++)
    for (let count = 0; first + count <= 5; count++) {
      const range = { first, count };
      t.deepEqual(Array.from(await columns.numbers('id', range)), ids.slice(first, first + count));
      t.deepEqual(await columns.numbers('z', range), z.slice(first, first + count));
      t.is((await columns.values('text', range)).length, count);
    }
  await t.throwsAsync(columns.numbers('id', { first: 4, count: 2 }), {
    instanceOf: RangeError,
    message: /first \+ count at most 5, its rows; came/,
  });
  await t.throwsAsync(columns.values('other'), {
    instanceOf: InputError,
    message: /a\.parquet: has no column "other"/,
  });
  await t.throwsAsync(columns.numbers('text'), {
    instanceOf: InputError,
    message: /"text" of row 0 is no number/,
  });
});

test('a text that begins with U+FEFF keeps it', async (t) => {
  const filename = join(scratchDirectory(t), 'a.parquet');
  const texts = ['\ufeff', '\ufeffusing', 'a\ufeff', '\ufeff\ufeff', null];
  parquetWriteFile({
    filename,
    codec: 'UNCOMPRESSED',
    columnData: [{ name: 'text', data: texts, type: 'STRING' }],
  });
  t.deepEqual(Array.from(await (await openParquetColumns(filename, 'the table')).values('text')), texts);
});

test('what is no Parquet file, or absent, is named', async (t) => {
  const file = scratchFile(t, 'b.parquet', 'PAR1 and then nothing of the kind');
  await t.throwsAsync(openParquetColumns(file, 'the table'), {
    instanceOf: InputError,
    message: /b\.parquet: cannot read the table: /,
  });
  await t.throwsAsync(openParquetColumns(`${file}.gone`, 'the table'), {
    instanceOf: InputError,
    message: /there is no such file/,
  });
});

test('a footer that promises more rows than its bytes can hold is refused', async (t) => {
  const directory = scratchDirectory(t);
  const filename = join(directory, 'a.parquet');
  // 5 rows are the varint 0a of the footer's third field, an i64; 2^33 of them are five bytes.
  parquetWriteFile({
    filename,
    codec: 'UNCOMPRESSED',
    columnData: [{ name: 'id', data: Int32Array.of(1, 2, 3, 4, 5), type: 'INT32' }],
  });
  const bytes = readFileSync(filename);
  const footerBytes = bytes.readUInt32LE(bytes.length - 8);
  const start = bytes.length - 8 - footerBytes;
  const at = bytes.indexOf(Buffer.from([0x16, 0x0a]), start);
  const footer = Buffer.concat([
    bytes.subarray(start, at + 1),
    Buffer.from([0x80, 0x80, 0x80, 0x80, 0x40]),
    bytes.subarray(at + 2, bytes.length - 8),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  writeFileSync(filename, Buffer.concat([bytes.subarray(0, start), footer, length, Buffer.from('PAR1')]));
  await t.throwsAsync(openParquetColumns(filename, 'the table'), {
    instanceOf: InputError,
    message: /it promises 8589934592 rows in \d+ bytes/,
  });
});

/** Puts bytes in the place of equally many, wherever they stand in the file. */
function replaced(bytes: Buffer, from: readonly number[], to: readonly number[]): Buffer {
  const at = bytes.indexOf(Buffer.from(from));
  if (at < 0) throw new Error(`the file holds no ${from.join(' ')}`);
  const changed = Buffer.from(bytes);
  changed.set(to, at);
  return changed;
}

test('what claims more than its bytes hold is refused before room is made for it', async (t) => {
  const file = join(scratchDirectory(t), 'a.parquet');
  const places = Int32Array.from({ length: 1000 }, (_, k) => k >> 9);
  parquetWriteFile({
    filename: file,
    codec: 'UNCOMPRESSED',
    columnData: [
      { name: 'place', data: places, type: 'INT32', encoding: 'RLE_DICTIONARY' },
      { name: 'z', data: Array.from(places, (place) => place || null), type: 'DOUBLE', nullable: true },
    ],
  });
  const whole = readFileSync(file);
  const refused = async (bytes: Buffer, message: RegExp) => {
    writeFileSync(file, bytes);
    const read = async () => {
      const columns = await openParquetColumns(file, 'the table');
      for (const name of columns.names) await columns.values(name);
    };
    await t.throwsAsync(read(), { instanceOf: InputError, message });
  };
  // 1000 is the varint d0 0f, zigzag; a page header of the second kind has it twice: num_values and, later, num_rows.
  await refused(
    replaced(whole, [0x15, 0xd0, 0x0f, 0x15], [0x15, 0xd0, 0x7f, 0x15]),
    /another number of values than its bytes|more than 1000/,
  );
  // A run of 512 equal values begins with 512 << 1, the varint 80 08.
  await refused(replaced(whole, [0x80, 0x08], [0x80, 0x78]), /a run of values is longer than its page/);
  // The column is OPTIONAL, 1, zigzag 02; REPEATED is 04, and what may have several values a row is passed over.
  writeFileSync(file, replaced(whole, [0x25, 0x02, 0x18, 0x05, 0x70], [0x25, 0x04, 0x18, 0x05, 0x70]));
  t.deepEqual((await openParquetColumns(file, 'the table')).names, ['z']);
});

test("a column in Snappy's compression is read, in one that it is not refused", async (t) => {
  const filename = join(scratchDirectory(t), 'a.parquet');
  const data = Int32Array.from({ length: 1000 }, (_, k) => k >> 9);
  for (const encoding of ['PLAIN', 'RLE_DICTIONARY'] as const) {
    parquetWriteFile({
      filename,
      codec: 'SNAPPY',
      columnData: [{ name: 'id', data, type: 'INT32', encoding }],
    });
    t.deepEqual(
      await (await openParquetColumns(filename, 'the table')).numbers('id'),
      Float64Array.from(data),
    );
  }
  const none = { GZIP: (bytes: Uint8Array) => bytes };
  const columnData = [{ name: 'id', data, type: 'INT32' }] as const;
  parquetWriteFile({ filename, codec: 'GZIP', compressors: none, columnData: [...columnData] });
  await t.throwsAsync((await openParquetColumns(filename, 'the table')).values('id'), {
    instanceOf: InputError,
    message: /cannot read the table: it is damaged/,
  });
});

/** A table of every kind of column that a program may write, and one of lists, which is passed over. */
const described =
  "SELECT i::INTEGER AS id, (i * 3)::BIGINT AS big, (i / 4)::DECIMAL(9, 2) AS price, (i % 3)::DOUBLE AS z, 't' || (i % 50) AS word, " +
  "'w' || i AS text, CASE WHEN i % 7 = 0 THEN NULL ELSE i END AS some, i % 2 = 0 AS even, [i, i] AS pair FROM range(1000) t(i)";

const valuesOf: Record<string, (i: number) => unknown> = {
  id: (i) => i,
  big: (i) => i * 3,
  price: (i) => i / 4,
  z: (i) => i % 3,
  word: (i) => `t${i % 50}`,
  text: (i) => `w${i}`,
  some: (i) => (i % 7 === 0 ? null : i),
  even: (i) => i % 2 === 0,
};

/** What was read, as numbers where they are, null where there is none. */
const plain = (value: unknown) => (typeof value === 'bigint' ? Number(value) : (value ?? null));

test('tables of DuckDB and of Polars are read, whatever their compression, pages and encodings', async (t) => {
  const directory = scratchDirectory(t);
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const files: string[] = [];
  const codecs = ['snappy', 'uncompressed', 'gzip', 'brotli'];
  if ('zstdDecompressSync' in (await import('node:zlib'))) codecs.push('zstd');
  for (const codec of codecs)
    for (const version of ['V1', 'V2'])
      for (const dictionary of [0, 1_000_000]) {
        const file = join(directory, `${codec}-${version}-${dictionary}.parquet`);
        await connection.run(
          `COPY (${described}) TO '${file}' (FORMAT parquet, CODEC '${codec}', PARQUET_VERSION '${version}', ` +
            `DICTIONARY_SIZE_LIMIT ${dictionary})`,
        );
        files.push(file);
      }
  connection.closeSync();
  for (const codec of ['snappy', 'uncompressed', 'gzip'] as const) {
    const file = join(directory, `polars-${codec}.parquet`);
    pl.readParquet(files[0]!).writeParquet(file, { compression: codec });
    files.push(file);
  }
  for (const file of files) {
    const columns = await openParquetColumns(file, 'the table');
    t.deepEqual(columns.names, Object.keys(valuesOf));
    for (const [name, of] of Object.entries(valuesOf)) {
      const found = Array.from(await columns.values(name), plain);
      t.deepEqual(
        found,
        Array.from({ length: 1000 }, (_, i) => of(i)),
        `${file}: ${name}`,
      );
    }
    t.deepEqual(Array.from(await columns.values('text', { first: 500, count: 1 })), ['w500']);
  }
});

test(`of ${trials(400)} damaged tables every column is read, or refused on one line, within its bytes`, async (t) => {
  const random = randomNumbers(20_261_129).uniform;
  const file = join(scratchDirectory(t), 'a.parquet');
  parquetWriteFile({
    filename: file,
    codec: 'SNAPPY',
    columnData: [
      { name: 'place', data: Int32Array.from({ length: 1000 }, (_, k) => k >> 9), type: 'INT32' },
      { name: 'norm', data: Float64Array.from({ length: 1000 }, Math.sqrt), type: 'DOUBLE' },
      {
        name: 'text',
        data: Array.from({ length: 1000 }, (_, k) => (k % 7 === 0 ? null : `t${k % 50}`)),
        type: 'STRING',
      },
    ],
  });
  const whole = readFileSync(file);
  // The footer, and the headers of pages before their values, say how much is to be read: most damage is done there.
  const footer = whole.readUInt32LE(whole.length - 8) + 8;
  const wrong: string[] = [];
  let accepted = 0;
  for (let k = 0; k < trials(400); k++) {
    const bytes = Buffer.from(whole);
    const changes: string[] = [];
    do {
      const inFooter = random() < 0.6;
      const at = inFooter
        ? whole.length - 1 - Math.floor(random() * footer)
        : Math.floor(random() * whole.length);
      bytes[at] = random() < 0.5 ? bytes[at]! ^ (1 << Math.floor(random() * 8)) : Math.floor(random() * 256);
      changes.push(`${at}=${bytes[at]}`);
    } while (random() < 0.4);
    writeFileSync(file, random() < 0.1 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes);
    try {
      const columns = await openParquetColumns(file, 'the table');
      for (const name of columns.names) t.is((await columns.values(name)).length, columns.rows);
      accepted++;
    } catch (error) {
      const isTold =
        error instanceof InputError && !error.message.includes('\n') && error.message.startsWith(file);
      if (!isTold) wrong.push(`${(error as Error).stack}\nof ${changes}`);
    }
  }
  t.log(`${accepted} of ${trials(400)} accepted`);
  t.deepEqual(wrong, []);
});
