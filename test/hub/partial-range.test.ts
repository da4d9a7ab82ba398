import { existsSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { RunError } from '../../src/errors.js';
import { PartialRange } from '../../src/hub/partial-range.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { testUnless } from '../helpers/test-unless.js';

const identity = { hash: 'ab'.repeat(32), begin: 100, end: 125, pieceBytes: 10 };
const content = Buffer.from('abcdefghijklmnopqrstuvwxy');

/** A download of 25 bytes in three pieces, of which 10, 4 and 0 are here. */
function begun(target: string): void {
  const partial = PartialRange.open(target, identity);
  partial.append(partial.pieces[0]!, content.subarray(0, 10));
  for (const at of [10, 12]) partial.append(partial.pieces[1]!, content.subarray(at, at + 2));
  partial.close();
}

const received = (target: string) => {
  const partial = PartialRange.open(target, identity);
  partial.close();
  return partial.pieces.map((piece) => piece.received);
};

test('a download goes on where each of its pieces stopped', (t) => {
  const target = join(scratchDirectory(t), 'range');
  begun(target);
  t.is(PartialRange.receivedBytes(target, identity), 14);
  const partial = PartialRange.open(target, identity);
  t.deepEqual(
    partial.pieces.map(({ begin, end, received }) => [begin, end, received]),
    [
      [0, 10, 10],
      [10, 20, 4],
      [20, 25, 0],
    ],
  );
  partial.append(partial.pieces[2]!, content.subarray(20));
  partial.append(partial.pieces[1]!, content.subarray(14, 20));
  partial.sync();
  partial.close();
  t.is(readFileSync(partial.path, 'utf8'), content.toString());
  partial.removeProgress();
  t.false(existsSync(`${target}.progress`));
});

test('a piece whose bytes did not reach the disk begins anew, and no other', (t) => {
  const target = join(scratchDirectory(t), 'range');
  begun(target);
  truncateSync(`${target}.partial`, 12);
  t.deepEqual(received(target), [10, 0, 0]);
  begun(target);
  const bytes = readFileSync(`${target}.partial`);
  bytes[3]! ^= 1;
  writeFileSync(`${target}.partial`, bytes);
  t.deepEqual(received(target).slice(0, 1), [0]);
});

test('a download of something else, or one whose progress was damaged, begins anew', (t) => {
  for (const damage of ['other', 'cut', 'letters', 'too many', 'no data'] as const) {
    const target = join(scratchDirectory(t), 'range');
    begun(target);
    const text = readFileSync(`${target}.progress`, 'utf8');
    const damaged = {
      other: text.replace('abab', 'cdcd'),
      cut: text.slice(0, -1),
      letters: text.replace('0000000000000010', '00000000000000x0'),
      'too many': text.replace('0000000000000010', '0000000000000011'),
      'no data': text,
    }[damage];
    writeFileSync(`${target}.progress`, damaged);
    if (damage === 'no data') truncateSync(`${target}.partial`, 0);
    t.deepEqual(received(target), [0, 0, 0], damage);
  }
});

const fullDeviceTest = testUnless(
  existsSync('/dev/full') ? null : '/dev/full, which is always full, is absent',
);

fullDeviceTest('a full disk is one message with what to do', (t) => {
  const target = join(scratchDirectory(t), 'range');
  symlinkSync('/dev/full', `${target}.partial`);
  const partial = PartialRange.open(target, identity);
  const error = t.throws(() => partial.append(partial.pieces[0]!, content), { instanceOf: RunError });
  partial.close();
  t.regex(
    error.message,
    /range.partial: disk full \(ENOSPC\): free space, .*\(cache prune\), .*EIGENSHARD_CACHE/,
  );
  t.is(partial.pieces[0]!.received, 0);
});
