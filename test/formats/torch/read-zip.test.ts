import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { InputError } from '../../../src/errors.js';
import { withFile } from '../../../src/files/open-file.js';
import { readStoredEntries } from '../../../src/formats/torch/read-zip.js';
import { trials } from '../../helpers/campaign.js';
import { cutAt, scratchDirectory, scratchFile, zip } from '../../helpers/fixtures.js';

const list = (file: string) => withFile(file, 'the archive', readStoredEntries);
const contents = [
  ['a/data.pkl', Buffer.from('hello')],
  ['a/data/0', Buffer.alloc(100, 7)],
  ['a/empty', Buffer.alloc(0)],
] as const;

for (const [what, options] of [
  ['sizes in the local headers', { flags: 0 }],
  ['sizes after the data', { flags: 8 }],
  ['64-bit sizes', { zip64: true }],
] as const) {
  test(`entries with ${what} lie where the archive says`, async (t) => {
    const file = scratchFile(t, 'a.zip', zip(contents, options));
    const bytes = readFileSync(file);
    const entries = await list(file);
    t.is(entries.size, contents.length);
    for (const [name, data] of contents) {
      const { byteOffset, byteLength } = entries.get(name)!;
      t.deepEqual(bytes.subarray(byteOffset, byteOffset + byteLength), data);
      t.is(byteOffset % 64, 0);
    }
  });
}

test('entries of a directory that is longer than what is read at once lie where the archive says', async (t) => {
  const many = Array.from(
    { length: 1500 },
    (_, k) => [`a/${'x'.repeat(k % 200)}${k}`, Buffer.from(String(k))] as const,
  );
  const file = scratchFile(t, 'a.zip', zip(many));
  const bytes = readFileSync(file);
  const entries = await list(file);
  t.is(entries.size, many.length);
  for (const [name, data] of many) {
    const { byteOffset, byteLength } = entries.get(name)!;
    t.deepEqual(bytes.subarray(byteOffset, byteOffset + byteLength), data);
  }
});

test('more entries than any checkpoint has are refused before they are read', async (t) => {
  const bytes = zip(contents, { zip64: true });
  const record = bytes.lastIndexOf(Buffer.from('PK\x06\x06'));
  for (const at of [24, 32]) bytes.writeBigUInt64LE(140_000n, record + at);
  await t.throwsAsync(list(scratchFile(t, 'a.zip', bytes)), {
    instanceOf: InputError,
    message: /it lists 140000 entries, at most 131072 are allowed/,
  });
});

const refused: [what: string, bytes: Buffer, message: RegExp][] = [
  ['an empty file', Buffer.alloc(0), /not a readable zip archive/],
  [
    'compressed entries',
    zip(contents, { method: 8 }),
    /data.pkl is compressed.*save it again with torch.save/,
  ],
  ['encrypted entries', zip([['a', Buffer.alloc(0)]], { flags: 1 }), /zip archive|encrypted/],
  ['a name twice', zip([...contents, contents[0]]), /lists a\/data.pkl twice/],
  ['a name that leads out', zip([['../a', Buffer.alloc(1)]]), /invalid relative path/],
  ['an archive that is cut off', zip(contents).subarray(0, -30), /not a readable zip archive/],
];

for (const [what, bytes, message] of refused) {
  test(`it refuses ${what}`, async (t) => {
    await t.throwsAsync(list(scratchFile(t, 'a.zip', bytes)), { instanceOf: InputError, message });
  });
}

test('it refuses entries that share bytes', async (t) => {
  const bytes = zip([
    ['a', Buffer.alloc(64)],
    ['b', Buffer.alloc(64)],
  ]);
  // The second directory entry gets the first one's local header.
  const second = bytes.lastIndexOf(Buffer.from('PK\x01\x02'));
  bytes.writeUInt32LE(0, second + 42);
  await t.throwsAsync(list(scratchFile(t, 'a.zip', bytes)), {
    instanceOf: InputError,
    message: /a and b overlap/,
  });
});

test('it refuses a 64-bit offset beyond every file', async (t) => {
  const bytes = zip(contents, { zip64: true });
  bytes.fill(
    0xff,
    bytes.lastIndexOf(Buffer.from('PK\x06\x07')) + 8,
    bytes.lastIndexOf(Buffer.from('PK\x06\x07')) + 16,
  );
  await t.throwsAsync(list(scratchFile(t, 'a.zip', bytes)), {
    instanceOf: InputError,
    message: /it points to byte/,
  });
});

test('a damaged archive gives an InputError or entries within the file, never anything else', async (t) => {
  const file = join(scratchDirectory(t), 'a.zip');
  let refusals = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)), {
        minLength: 1,
        maxLength: 4,
      }),
      cutAt(500),
      async (zip64, changes, cut) => {
        const bytes = zip(contents, { zip64 });
        for (const [where, value] of changes) bytes[Math.floor(where * bytes.length)] = value;
        const kept = bytes.subarray(0, cut ?? bytes.length);
        writeFileSync(file, kept);
        try {
          for (const { byteOffset, byteLength } of (await list(file)).values()) {
            t.true(byteOffset >= 0 && byteLength >= 0 && byteOffset + byteLength <= kept.length);
          }
        } catch (error) {
          t.true(error instanceof InputError, String(error));
          refusals++;
        }
      },
    ),
    { seed: 1, numRuns: trials(1000) },
  );
  t.log(`${refusals} of ${trials(1000)} refused`);
});
