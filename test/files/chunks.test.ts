import { closeSync, ftruncateSync, openSync, statSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { CHUNK_BYTES, chunksOf } from '../../src/files/chunks.js';
import { readBytes, withFile, withFileSync } from '../../src/files/open-file.js';
import { readFully } from '../../src/files/read-fully.js';
import { planNpyFile } from '../../src/formats/npy-header.js';
import { writeRecordedFile } from '../../src/output/recorded-file.js';
import { scratchDirectory } from '../helpers/fixtures.js';

test('chunks are the bytes in their order, none longer than asked for', (t) => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5);
  t.deepEqual([...chunksOf(bytes, 2)], [Uint8Array.of(1, 2), Uint8Array.of(3, 4), Uint8Array.of(5)]);
  t.deepEqual([...chunksOf(bytes)], [bytes]);
  t.deepEqual([...chunksOf(new Uint8Array(0))], []);
});

/** Beyond what one call of the system, or of OpenSSL, takes. */
const BYTES = 2 ** 31 + 8;

test('2 GiB and more are read, hashed and written at once', async (t) => {
  const directory = scratchDirectory(t);
  const file = holes(directory, BYTES);
  // One buffer for all of it: fresh memory takes longer than to read.
  const bytes = await withFile(file, 'holes', (opened) => readBytes(opened, 0, BYTES));
  t.is(bytes.length, BYTES);
  bytes[BYTES - 1] = 1;
  withFileSync(file, 'holes', (opened) => readFully(opened, bytes, 0, file));
  t.is(bytes[BYTES - 1], 0, 'to the last byte');
  const values = new Float64Array(bytes.buffer, bytes.byteOffset, BYTES / 8);
  const layout = planNpyFile('projections', { dtype: 'float64', shape: [values.length] });
  const record = writeRecordedFile(directory, 'zeros.npy', layout, [values]);
  t.is(record.bytes, layout.bytes);
  t.is(statSync(path.join(directory, 'zeros.npy')).size, layout.bytes);
  t.regex(record.sha256, /^[0-9a-f]{64}$/);
});

test('more than one call reads at once is read to the last byte', (t) => {
  const length = 2 * CHUNK_BYTES + 8;
  const file = holes(scratchDirectory(t), length);
  const bytes = new Uint8Array(length);
  for (const at of [0, CHUNK_BYTES - 1, CHUNK_BYTES, length - 1]) bytes[at] = 1;
  withFileSync(file, 'holes', (opened) => readFully(opened, bytes, 0, file));
  t.is(bytes.indexOf(1), -1);
});

/** A file without a block on the disk. */
function holes(directory: string, length: number): string {
  const file = path.join(directory, 'holes');
  const descriptor = openSync(file, 'w');
  ftruncateSync(descriptor, length);
  closeSync(descriptor);
  return file;
}
