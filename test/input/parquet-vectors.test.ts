import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import pl from 'nodejs-polars';
import { InputError } from '../../src/errors.js';
import { copyParquetVectors, findParquetVectors, isParquet } from '../../src/input/parquet-vectors.js';
import { readVectors, type VectorWish } from '../../src/input/vectors.js';
import { scratchDirectory, scratchFile } from '../helpers/fixtures.js';

/** Five vectors of three components. */
const [COUNT, HIDDEN] = [5, 3];
const values = Array.from({ length: COUNT * HIDDEN }, (_, k) => k + 0.5);
const vector = (i: number) => values.slice(i * HIDDEN, (i + 1) * HIDDEN);
const vectors = Array.from({ length: COUNT }, (_, i) => vector(i));

type Compression = 'uncompressed' | 'snappy' | 'gzip' | 'zstd';

/** A Parquet file of columns, as another program writes it. */
function parquet(
  t: ExecutionContext,
  columns: Record<string, unknown[]>,
  compression: Compression = 'snappy',
) {
  const file = path.join(scratchDirectory(t), 'vectors.parquet');
  // Numbers of JavaScript would be taken for ones with a point.
  const series = Object.entries(columns).map(([name, data]) =>
    name === 'id' ? pl.Series(name, data as number[], pl.Int32) : pl.Series(name, data),
  );
  pl.DataFrame(series).writeParquet(file, { compression });
  return file;
}

async function read(t: ExecutionContext, file: string, wish: VectorWish = {}) {
  const found = await findParquetVectors(file, HIDDEN, wish);
  const copy = await copyParquetVectors(found, path.join(scratchDirectory(t), 'copy'));
  return { found, vectors: Array.from(await readVectors(copy, { first: 0, count: copy.count })) };
}

const ids = Array.from({ length: COUNT }, (_, i) => i);
const flat = Object.fromEntries(['x', 'y', 'z'].map((name, j) => [name, vectors.map((row) => row[j]!)]));

test('vectors are read from a column of lists, or from as many columns of numbers as they have components, whole and in part', async (t) => {
  const supported: Compression[] = ['uncompressed', 'snappy', 'gzip'];
  if ('zstdDecompressSync' in (await import('node:zlib'))) supported.push('zstd');
  for (const compression of supported)
    for (const [name, columns, tensor] of [
      ['lists', { id: ids, embedding: vectors, word: ids.map(String) }, 'embedding'],
      ['columns', { id: ids, ...flat, word: ids.map(String) }, null],
    ] as const) {
      const file = parquet(t, columns, compression);
      t.true(await isParquet(file));
      const all = await read(t, file);
      t.deepEqual(all.vectors, values, `${name}, ${compression}`);
      t.like(all.found, { tensor, count: COUNT, first: 0, dtype: 'float64' });
      const some = await read(t, file, { rows: { from: 1, to: 3 } });
      t.deepEqual(some.vectors, values.slice(3, 9));
    }
});

test('of several columns of lists one is named, and what is no vector is told with its number', async (t) => {
  const two = parquet(t, { a: vectors, b: vectors.map((row) => row.map((value) => value + 1)) });
  const refused = (file: string, message: RegExp, wish: VectorWish = {}) =>
    t.throwsAsync(read(t, file, wish), { instanceOf: InputError, message });
  await refused(two, /several columns hold lists of 3 numbers: "a", "b"; name one with --tensor/);
  t.deepEqual((await read(t, two, { tensor: 'b' })).vectors[0], 1.5);
  await refused(two, /there is no column of lists "c"; there are a, b/, { tensor: 'c' });
  await refused(two, /a row of a Parquet file is a vector/, { transpose: true });
  await refused(two, /holds 5 vectors; --rows 0:9/, { tensor: 'a', rows: { from: 0, to: 9 } });
  await refused(
    parquet(t, { id: ids, ...flat, w: flat.x! }),
    /expected vectors of 3 components, .*found 4 such columns/,
  );
  await refused(parquet(t, { x: flat.x! }), /holds no columns of lists; leave --tensor away/, {
    tensor: 'x',
  });
  const uneven = vectors.map((row, i) => (i === 1 ? row.slice(1) : i === 2 ? [...row, 7] : row));
  await refused(parquet(t, { a: uneven }), /vector 1: has 2 components, expected 3/);
  const infinite = vectors.map((row, i) => (i === 3 ? [1, Number.POSITIVE_INFINITY, 2] : row));
  await refused(parquet(t, { a: infinite }), /vector 3: component 1 is Infinity, expected a finite number/);
  t.deepEqual((await read(t, parquet(t, { a: infinite }), { rows: { from: 0, to: 3 } })).vectors.length, 9);
});

test('a file that is cut off, or another one under the name, is refused in words', async (t) => {
  const bytes = readFileSync(parquet(t, { a: vectors }));
  t.false(await isParquet(scratchFile(t, 'vectors.parquet', 'no')));
  for (const [k, damaged] of [
    bytes.subarray(0, 40),
    bytes.subarray(0, -9),
    Buffer.alloc(bytes.length, 'PAR1'),
  ].entries()) {
    const file = scratchFile(t, `${k}.parquet`, damaged);
    await t.throwsAsync(read(t, file), { instanceOf: InputError, message: /cannot read the vectors: / });
  }
  // Bytes of the pages that are others: numbers of their own, or a refusal, and never another error.
  for (let at = 4; at < bytes.length - 8; at += 3) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 0x55;
    const file = path.join(scratchDirectory(t), 'changed.parquet');
    writeFileSync(file, changed);
    try {
      await read(t, file);
    } catch (error) {
      t.true(error instanceof InputError, `byte ${at}: ${(error as Error).stack}`);
    }
  }
  t.pass();
});
