import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { combineCrc32 } from '../../../src/files/crc32.js';
import type { FileLayout } from '../../../src/formats/layout.js';
import { planZip } from '../../../src/formats/torch/plan-zip.js';
import { scratchDirectory } from '../../helpers/fixtures.js';
import { pythonTest, runPython } from '../../helpers/python.js';

/** What Python's zipfile says about every record, with the place of its bytes from the local header. */
const listing = `
import json, struct, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
raw = open(sys.argv[1], 'rb')
found = []
for info in archive.infolist():
    raw.seek(info.header_offset)
    local = raw.read(30)
    crc, name, extra = struct.unpack('<I8xHH', local[14:30])
    assert raw.read(name) == info.filename.encode() and crc == info.CRC
    content = archive.read(info) if info.file_size < 100 else None
    found.append([info.filename, info.file_size, info.header_offset + 30 + name + extra,
                  None if content is None else content.decode()])
`;

pythonTest("Python's zipfile finds every record intact, its bytes at a multiple of 64", (t) => {
  const words = ['', 'a', 'two words', 'x'.repeat(63), 'y'.repeat(64), 'z'.repeat(65)];
  const layout = planZip([
    ...words.map((text, index) => ({ name: `γ/${index}`, bytes: Buffer.from(text) })),
    { name: 'later', byteLength: 5 },
  ]);
  const file = writeSparse(t, layout, [crc32('later')], ['later']);
  const found = runPython(`${listing}\nassert archive.testzip() is None\nprint(json.dumps(found))`, [file]);
  const rows = found as [string, number, number, string][];
  t.deepEqual(
    rows.map(([name, , , content]) => [name, content]),
    [...words.map((text, index) => [`γ/${index}`, text]), ['later', 'later']],
  );
  t.true(rows.every(([, , offset]) => offset % 64 === 0));
});

pythonTest('records beyond 4 GiB, in size and in place, have zip64 fields that Python reads', (t) => {
  const large = 2 ** 32 + 12_345;
  const layout = planZip([
    { name: 'first', bytes: Buffer.from('before') },
    { name: 'edge', byteLength: 2 ** 32 - 1 },
    { name: 'large', byteLength: large },
    { name: 'small', byteLength: 5 },
    { name: 'last', bytes: Buffer.from('after') },
  ]);
  t.deepEqual(
    layout.tensors.map(({ name, byteLength }) => [name, byteLength]),
    [
      ['edge', 2 ** 32 - 1],
      ['large', large],
      ['small', 5],
    ],
  );
  const crcs = [crcOfZeros(2 ** 32 - 1), crcOfZeros(large), crc32('small')];
  const file = writeSparse(t, layout, crcs, ['', '', 'small']);
  const found = runPython(`${listing}\nprint(json.dumps(found))`, [file]);
  const [edge, big, small] = layout.tensors.map(({ byteOffset }) => byteOffset);
  t.true(edge! < big! && big! + large <= small! && small! > 2 ** 33);
  t.deepEqual(found, [
    ['first', 6, 64, 'before'],
    ['edge', 2 ** 32 - 1, edge, null],
    ['large', large, big, null],
    ['small', 5, small, 'small'],
    ['last', 5, small! + 64, 'after'],
  ]);
  t.true([edge, big, small].every((offset) => offset! % 64 === 0));
});

test('more records than 16 bits count are counted in the zip64 record', (t) => {
  const count = 0x10000;
  const layout = planZip(
    Array.from({ length: count }, (_, index) => ({ name: `${index}`, bytes: Buffer.of() })),
  );
  const end = layout.frame([]).at(-1)!.bytes;
  const view = new DataView(end.buffer, end.byteOffset + end.length - 98, 98);
  t.is(view.getBigUint64(24, true), BigInt(count));
  t.is(view.getUint16(76 + 8, true), 0xffff);
});

test('frame and tensors fill the file without a gap, whatever the checksums are', (t) => {
  const layout = planZip([
    { name: 'a', byteLength: 100 },
    { name: 'b', bytes: Buffer.from('b') },
    { name: 'c', byteLength: 0 },
    { name: 'd', byteLength: 2 ** 33 },
  ]);
  for (const crcs of [
    [0, 0, 0],
    [0xffffffff, 1, 0x80000000],
  ]) {
    const pieces = [
      ...layout.tensors.map(({ byteOffset, byteLength }) => [byteOffset, byteLength]),
      ...layout.frame(crcs).map(({ offset, bytes }) => [offset, bytes.length]),
    ].sort(([a, m], [b, n]) => a! - b! || m! - n!);
    let end = 0;
    for (const [offset, length] of pieces) {
      t.is(offset, end);
      end += length!;
    }
    t.is(end, layout.bytes);
  }
});

test('a frame with another number of checksums is refused', (t) => {
  const layout = planZip([{ name: 'a', byteLength: 100 }]);
  t.throws(() => layout.frame([]), { message: /needs 1 checksums, not 0/ });
});

/** Writes the frame, and `contents` at the tensors; what is not written takes no space on most file systems. */
function writeSparse(
  t: ExecutionContext,
  layout: FileLayout,
  crcs: readonly number[],
  contents: readonly string[],
): string {
  const file = join(scratchDirectory(t), 'archive.zip');
  const fd = openSync(file, 'w');
  ftruncateSync(fd, layout.bytes);
  for (const { offset, bytes } of layout.frame(crcs)) writeSync(fd, bytes, 0, bytes.length, offset);
  for (const [index, { byteOffset }] of layout.tensors.entries()) writeSync(fd, contents[index]!, byteOffset);
  closeSync(fd);
  return file;
}

function crcOfZeros(bytes: number): number {
  let crc = 0;
  let power = crc32(Buffer.alloc(1));
  for (let length = 1; length <= bytes; length *= 2) {
    if (Math.floor(bytes / length) % 2 === 1) crc = combineCrc32(crc, power, length);
    power = combineCrc32(power, power, length);
  }
  return crc;
}
