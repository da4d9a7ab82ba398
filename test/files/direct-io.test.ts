import { spawnSync } from 'node:child_process';
import { pbkdf2 } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DIRECT_BLOCK_BYTES, DirectRead, writeDirectly } from '../../src/files/direct-io.js';
import { KernelMemory } from '../../src/linalg/kernels/kernel-memory.js';
import { takesDirect } from '../helpers/direct-files.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { randomBytes } from '../helpers/random.js';

const BLOCK = DIRECT_BLOCK_BYTES;
const MIB = 2 ** 20;

/** Bytes at the beginning of a page of memory, as direct transfers need them. */
function pages(length: number): Uint8Array {
  const { bytes } = new KernelMemory('').allot({ bytes: Math.max(length, MIB) });
  return bytes.bytes.subarray(0, length);
}

function pagesOf(content: Uint8Array): Uint8Array {
  const bytes = pages(content.length);
  bytes.set(content);
  return bytes;
}

/** Reads the beginning of a file as far as it comes directly. */
async function readAll(t: ExecutionContext, file: string, into: Uint8Array): Promise<number> {
  const read = new DirectRead(file, into);
  try {
    const bytes = await read.upTo(into.length);
    t.is(await read.upTo(into.length), bytes);
    return bytes;
  } finally {
    await read.end();
    await read.end();
  }
}

// Around a block, a piece that is read, and a call that writes.
const sizes = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, MIB, MIB + BLOCK + 7, 4 * MIB - 1, 4 * MIB + 3 * BLOCK];

for (const size of sizes) {
  test(`of ${size} bytes the whole blocks are written directly, or none`, (t) => {
    const directory = scratchDirectory(t);
    const file = path.join(directory, 'file');
    writeFileSync(file, '');
    const content = randomBytes(size, size);
    const written = writeDirectly(file, pagesOf(content));
    t.is(written, takesDirect(directory) ? size - (size % BLOCK) : 0);
    t.is(statSync(file).size, written);
    t.is(Buffer.compare(readFileSync(file), content.subarray(0, written)), 0);
  });

  test(`a file of ${size} bytes is read directly to its end, or not at all`, async (t) => {
    const directory = scratchDirectory(t);
    const file = path.join(directory, 'file');
    const content = randomBytes(size, size);
    writeFileSync(file, content);
    const into = pages(size + 2 * BLOCK);
    const bytes = await readAll(t, file, into);
    t.is(bytes, takesDirect(directory) ? size : 0);
    t.is(Buffer.compare(into.subarray(0, bytes), content.subarray(0, bytes)), 0);
  });
}

test('where a file is longer than the memory, the whole blocks that fit are read', async (t) => {
  const directory = scratchDirectory(t);
  const file = path.join(directory, 'file');
  const content = randomBytes(3 * MIB, 1);
  writeFileSync(file, content);
  const into = pages(2 * MIB + 5);
  const bytes = await readAll(t, file, into);
  t.is(bytes, takesDirect(directory) ? 2 * MIB : 0);
  t.is(Buffer.compare(into.subarray(0, bytes), content.subarray(0, bytes)), 0);
  t.true(into.subarray(2 * MIB).every((byte) => byte === 0));
});

test('what is asked for first comes first, without a gap before it', async (t) => {
  const file = path.join(scratchDirectory(t), 'file');
  const content = randomBytes(5 * MIB, 2);
  writeFileSync(file, content);
  const into = pages(content.length);
  const read = new DirectRead(file, into);
  for (const position of [0, 1, MIB, MIB + 1, 5 * MIB]) {
    const bytes = await read.upTo(position);
    t.true(bytes === 0 || bytes >= position);
    t.is(Buffer.compare(into.subarray(0, bytes), content.subarray(0, bytes)), 0);
  }
  await read.end();
});

test('memory that begins within a block gives what is right, or nothing', async (t) => {
  const file = path.join(scratchDirectory(t), 'file');
  const content = randomBytes(2 * MIB, 3);
  writeFileSync(file, '');
  const shifted = pages(content.length + 8).subarray(8);
  shifted.set(content);
  const written = writeDirectly(file, shifted);
  t.is(Buffer.compare(readFileSync(file), content.subarray(0, written)), 0);
  writeFileSync(file, content);
  const bytes = await readAll(t, file, shifted.fill(0));
  t.is(Buffer.compare(shifted.subarray(0, bytes), content.subarray(0, bytes)), 0);
});

test('of what is no file, or is not there, nothing is read or written, and nobody waits for it', async (t) => {
  const directory = scratchDirectory(t);
  const folder = path.join(directory, 'folder');
  const pipe = path.join(directory, 'pipe');
  const missing = path.join(directory, 'missing');
  mkdirSync(folder);
  const isUnix = spawnSync('mkfifo', [pipe]).status === 0;
  for (const file of [folder, missing, ...(isUnix ? [pipe] : [])]) {
    t.is(await readAll(t, file, pages(2 * BLOCK)), 0);
    if (file !== pipe) t.is(writeDirectly(file, pages(2 * BLOCK)), 0);
  }
  t.false(existsSync(missing));
});

test('a piece that cannot be read, or only in part, ends what can be had, when all others are read too', async (t) => {
  const directory = scratchDirectory(t);
  const file = path.join(directory, 'file');
  writeFileSync(file, '');
  // Where nothing is read directly, no piece is begun.
  if (!takesDirect(directory)) {
    t.pass();
    return;
  }
  for (const second of [0, BLOCK, new Error('EIO')]) {
    let pending = 0;
    const reading = async (...[, , , length, position]: [number, Uint8Array, number, number, number]) => {
      pending++;
      await new Promise((resolve) => setTimeout(resolve, position === MIB ? 1 : 20));
      pending--;
      if (position === MIB && second instanceof Error) throw second;
      return { bytesRead: position === MIB ? (second as number) : length };
    };
    const read = new DirectRead(file, pages(4 * MIB), reading);
    t.is(await read.upTo(MIB), MIB);
    t.is(await read.upTo(4 * MIB), MIB + (second instanceof Error ? 0 : second));
    t.is(pending, 0);
    await read.end();
  }
});

test('a read that is given up is waited for, and writes to memory no more', async (t) => {
  const directory = scratchDirectory(t);
  const file = path.join(directory, 'file');
  const content = randomBytes(2 * MIB, 4);
  writeFileSync(file, content);
  // All threads that read have other work to do first.
  const other = Array.from(
    { length: 4 },
    () => new Promise((resolve) => pbkdf2('', '', 300_000, 64, 'sha512', resolve)),
  );
  const into = pages(2 * MIB);
  await new DirectRead(file, into).end();
  t.is(Buffer.compare(into, takesDirect(directory) ? content : new Uint8Array(2 * MIB)), 0);
  into.fill(0);
  await Promise.all(other);
  t.true(into.every((byte) => byte === 0));
});
