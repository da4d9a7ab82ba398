import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import { MAX_HEADER_BYTES, readSafetensorsHeader } from '../../src/formats/safetensors.js';
import { trials } from '../helpers/campaign.js';
import { cutAt, safetensors, safetensorsOf, scratchDirectory, scratchFile } from '../helpers/fixtures.js';
import { realModelTest } from '../helpers/shared-models.js';

const widths = { BF16: 2, F16: 2, F32: 4, F64: 8, I64: 8, BOOL: 1 } as const;

const tensor = fc
  .record({
    dtype: fc.constantFrom(...(Object.keys(widths) as (keyof typeof widths)[])),
    shape: fc.array(fc.nat(4), { maxLength: 3 }),
  })
  .map(({ dtype, shape }) => {
    const data = new Uint8Array(shape.reduce((product, size) => product * size, widths[dtype]));
    return { dtype, shape, data };
  });
const tensorSet = fc.dictionary(
  fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__' && name !== '__proto__'),
  tensor,
);

test('a generated header is read back, each tensor at its bytes', async (t) => {
  const directory = scratchDirectory(t);
  const file = join(directory, 'a.safetensors');
  await fc.assert(
    fc.asyncProperty(
      tensorSet,
      fc.option(fc.dictionary(fc.string(), fc.string()), { nil: undefined }),
      async (set, metadata) => {
        const tensors = Object.entries(set).map(([name, value]) => ({ name, ...value }));
        const bytes = safetensors(tensors, metadata);
        writeFileSync(file, bytes);
        const header = await readSafetensorsHeader(file);
        t.deepEqual(header.metadata, new Map(Object.entries(metadata ?? {})));
        t.deepEqual(
          new Map(header.tensors.map(({ name, dtype, shape }) => [name, { dtype, shape }])),
          new Map(tensors.map(({ name, dtype, shape }) => [name, { dtype, shape }])),
        );
        t.is(
          header.tensors.reduce(
            (end, entry) => (entry.byteOffset === end ? end + entry.byteLength : -1),
            8 + Number(bytes.readBigUInt64LE()),
          ),
          bytes.length,
        );
      },
    ),
    { seed: 1 },
  );
});

test('a damaged file gives an InputError or a header within the file, never anything else', async (t) => {
  const directory = scratchDirectory(t);
  const file = join(directory, 'a.safetensors');
  const whole = safetensors(
    [
      { name: 'a', dtype: 'F32', shape: [3, 2], data: new Uint8Array(24) },
      { name: 'b', dtype: 'BF16', shape: [4], data: new Uint8Array(8) },
    ],
    { format: 'pt' },
  );
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      cutAt(whole.length),
      async (changes, cut) => {
        const bytes = Buffer.from(whole);
        for (const [position, value] of changes) bytes[position] = value;
        writeFileSync(file, bytes.subarray(0, cut ?? bytes.length));
        try {
          const { tensors } = await readSafetensorsHeader(file);
          for (const { byteOffset, byteLength } of tensors) {
            t.true(byteOffset >= 8 && byteLength >= 0 && byteOffset + byteLength <= bytes.length);
          }
        } catch (error) {
          t.true(error instanceof InputError, String(error));
          refused++;
        }
      },
    ),
    { seed: 1, numRuns: trials(1000) },
  );
  t.log(`${refused} of ${trials(1000)} refused`);
});

const data = new Uint8Array(8);
const entry = (change: object = {}) => ({ dtype: 'F32', shape: [2], data_offsets: [0, 8], ...change });
const lies: [what: string, bytes: Buffer, message: RegExp][] = [
  ['an empty file', Buffer.alloc(0), /at least the 8 bytes of the header length, the file has 0/],
  [
    'a header longer than the file',
    Buffer.from('ff00000000000000', 'hex'),
    /length is 255 bytes, but only 0 follow/,
  ],
  [
    'a header beyond the cap',
    Buffer.from('ffffffffffffffff', 'hex'),
    new RegExp(`at most ${MAX_HEADER_BYTES}`),
  ],
  [
    'a Git LFS pointer',
    Buffer.from('version https://git-lfs.github.com/spec/v1\n'),
    /Git LFS pointer.*git lfs pull/,
  ],
  ['another first byte', safetensorsOf(' {}', data), /does not begin with \{/],
  [
    'text that is not UTF-8',
    Buffer.concat([Buffer.from('0300000000000000', 'hex'), Buffer.from('{\xff}', 'latin1')]),
    /not UTF-8/,
  ],
  ['text that is not JSON', safetensorsOf('{"a"', data), /not valid JSON/],
  ['a name twice', safetensorsOf('{"a":1,"a":2}', data), /"a" occurs twice/],
  ['metadata that are not strings', safetensorsOf({ __metadata__: { n: 1 } }, data), /__metadata__ "n" is 1/],
  ['a tensor that is no object', safetensorsOf({ a: 5 }, data), /tensor "a": expected dtype/],
  [
    'an unknown dtype',
    safetensorsOf({ a: entry({ dtype: 'F33' }) }, data),
    /unknown dtype "F33", expected one of/,
  ],
  [
    'a shape that overflows',
    safetensorsOf({ a: entry({ shape: [2 ** 40, 2 ** 40] }) }, data),
    /impossible shape/,
  ],
  [
    'a shape that is deep',
    safetensorsOf(
      `{"a": {"dtype": "F32", "shape": [${'['.repeat(1e5)}${']'.repeat(1e5)}], "data_offsets": [0, 8]}}`,
      data,
    ),
    /impossible shape \[\[\[\[\[\.\.\.\]\]\]\]\]/,
  ],
  ['a dtype without a name', safetensorsOf({ a: entry({ dtype: '' }) }, data), /unknown dtype ""/],
  ['a negative dimension', safetensorsOf({ a: entry({ shape: [-2] }) }, data), /impossible shape \[-2\]/],
  [
    'a shape of another length',
    safetensorsOf({ a: entry({ shape: [3] }) }, data),
    /F32 3 takes 12 bytes.* give it 8/,
  ],
  ['offsets in the wrong order', safetensorsOf({ a: entry({ data_offsets: [8, 0] }) }, data), /begin <= end/],
  [
    'offsets beyond the file',
    safetensorsOf({ a: entry({ shape: [4], data_offsets: [0, 16] }) }, data),
    /the file has/,
  ],
  [
    'overlapping tensors',
    safetensorsOf({ a: entry(), b: entry() }, data),
    /"b" begins at .* overlaps the tensor before/,
  ],
  ['a hole', safetensorsOf({ a: entry({ data_offsets: [8, 16] }) }, Buffer.alloc(16)), /leaves a hole/],
  [
    'bytes after the last tensor',
    safetensorsOf({ a: entry() }, Buffer.alloc(9)),
    /describes \d+ bytes, the file has/,
  ],
];

for (const [what, bytes, message] of lies) {
  test(`it refuses ${what}`, async (t) => {
    const file = scratchFile(t, 'a.safetensors', bytes);
    const error = await t.throwsAsync(readSafetensorsHeader(file), { instanceOf: InputError, message });
    t.true(error.message.startsWith(file));
  });
}

test('a header may be padded with spaces, and tensors may have no elements or no dimensions', async (t) => {
  const header = {
    none: entry({ shape: [0, 3], data_offsets: [0, 0] }),
    one: entry({ shape: [], data_offsets: [0, 4] }),
  };
  const file = scratchFile(
    t,
    'a.safetensors',
    safetensorsOf(`${JSON.stringify(header)}   `, new Uint8Array(4)),
  );
  const { tensors } = await readSafetensorsHeader(file);
  t.deepEqual(
    tensors.map(({ name, byteLength }) => [name, byteLength]),
    [
      ['none', 0],
      ['one', 4],
    ],
  );
});

test('metadata may be null, and a string of them twenty million characters long', async (t) => {
  const open = (metadata: unknown) =>
    readSafetensorsHeader(
      scratchFile(t, 'a.safetensors', safetensorsOf({ __metadata__: metadata, a: entry() }, data)),
    );
  t.deepEqual((await open(null)).metadata, new Map());
  const long = 'x'.repeat(2e7);
  const { tensors, metadata } = await open({ long });
  t.is(metadata.get('long'), long);
  t.deepEqual(
    tensors.map(({ name, byteLength }) => [name, byteLength]),
    [['a', 8]],
  );
});

test('an entry without dtype, shape and bytes keeps a name and is no tensor', async (t) => {
  const empty = { dtype: '', shape: [] };
  const tied = {
    a: entry(),
    b: { ...empty, data_offsets: [0, 0] },
    c: { ...empty, data_offsets: [8, 8] },
    d: empty,
  };
  const { tensors } = await readSafetensorsHeader(scratchFile(t, 'a.safetensors', safetensorsOf(tied, data)));
  t.deepEqual(
    tensors.map(({ name }) => name),
    ['a'],
  );
});

test('tensors of packed 4-bit elements are measured in bits', async (t) => {
  const packed = entry({ dtype: 'F4', shape: [16] });
  const { tensors } = await readSafetensorsHeader(
    scratchFile(t, 'a.safetensors', safetensorsOf({ packed }, data)),
  );
  t.is(tensors[0]?.byteLength, 8);
});

realModelTest('the header of a real checkpoint is read', async (t, model) => {
  const { tensors, metadata } = await readSafetensorsHeader(join(model, 'model.safetensors'));
  t.deepEqual(tensors, [
    {
      name: 'model.embed_tokens.weight',
      dtype: 'F32',
      shape: [512, 64],
      byteOffset: 128,
      byteLength: 131072,
    },
  ]);
  t.deepEqual(metadata, new Map([['format', 'pt']]));
});
