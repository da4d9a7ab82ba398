import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import { readNpyHeader } from '../../src/formats/npy.js';
import { trials } from '../helpers/campaign.js';
import { cutAt, npy, npyOf, scratchDirectory, scratchFile } from '../helpers/fixtures.js';
import { realModelTest } from '../helpers/shared-models.js';

const dtypes = { '<f2': ['float16', 2], '<f4': ['float32', 4], '<f8': ['float64', 8] } as const;

test('a generated header is read back, in each format version', async (t) => {
  const file = join(scratchDirectory(t), 'a.npy');
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('<f2', '<f4', '<f8'),
      fc.array(fc.nat(5), { maxLength: 4 }),
      fc.boolean(),
      fc.constantFrom(1, 2, 3),
      async (descr, shape, fortranOrder, version) => {
        const [dtype, width] = dtypes[descr];
        const byteLength = shape.reduce((product, size) => product * size, width);
        const bytes = npy(descr, shape, new Uint8Array(byteLength), { fortranOrder, version });
        writeFileSync(file, bytes);
        t.deepEqual(await readNpyHeader(file), {
          file,
          dtype,
          shape,
          fortranOrder,
          byteOffset: bytes.length - byteLength,
          byteLength,
        });
      },
    ),
    { seed: 1 },
  );
});

test('a damaged file gives an InputError or a header that fits the file, never anything else', async (t) => {
  const file = join(scratchDirectory(t), 'a.npy');
  const whole = npy('<f4', [3, 2], new Uint8Array(24));
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 25), fc.nat(255)), { minLength: 1, maxLength: 3 }),
      cutAt(whole.length),
      async (changes, cut) => {
        const bytes = Buffer.from(whole);
        for (const [position, value] of changes) bytes[position] = value;
        writeFileSync(file, bytes.subarray(0, cut ?? bytes.length));
        try {
          const { byteOffset, byteLength } = await readNpyHeader(file);
          t.is(byteOffset + byteLength, cut ?? bytes.length);
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

const spelt: [what: string, header: string][] = [
  ['double quotes and no spaces', `{"descr":"<f4","fortran_order":False,"shape":(2,)}`],
  ['another order of the keys', `{'shape': (2,), 'fortran_order': False, 'descr': '<f4'}`],
  ['a tuple with a comma at its end', `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1,), }`],
];

for (const [what, header] of spelt) {
  test(`it understands ${what}`, async (t) => {
    const { dtype } = await readNpyHeader(scratchFile(t, 'a.npy', npyOf(header, new Uint8Array(8))));
    t.is(dtype, 'float32');
  });
}

const right = `'descr': '<f4', 'fortran_order': False, 'shape': (2,)`;
const lies: [what: string, bytes: Buffer, message: RegExp][] = [
  ['an empty file', Buffer.alloc(0), /at least 12 bytes, the file has 0/],
  ['another magic', Buffer.alloc(20), /does not begin with/],
  ['an unknown version', npyOf('{}', new Uint8Array(8), 4), /format version 4.0, expected 1.0, 2.0 or 3.0/],
  ['a header beyond the cap', npyOf(`{${' '.repeat(20_000)}}`, new Uint8Array(8)), /at most 10000/],
  [
    'a header longer than the file',
    npyOf(`{${right}}`, new Uint8Array(8)).subarray(0, 30),
    /the file ends at byte 30/,
  ],
  [
    'big-endian elements',
    npyOf(`{${right.replace('<', '>')}}`, new Uint8Array(8)),
    /dtype is '>f4'.*convert it/,
  ],
  ['integers', npyOf(`{${right.replace('f4', 'i8')}}`, new Uint8Array(16)), /dtype is '<i8'/],
  ['Python objects', npyOf(`{${right.replace('<f4', '|O')}}`, new Uint8Array(16)), /dtype is '|O'/],
  [
    'a structured dtype',
    npyOf(`{${right.replace("'<f4'", "[('a', '<f4')]")}}`, new Uint8Array(8)),
    /the header is/,
  ],
  ['a key twice', npyOf(`{${right}, ${right}}`, new Uint8Array(8)), /the header is/],
  ['a key too many', npyOf(`{${right}, 'x': True}`, new Uint8Array(8)), /the header is/],
  ['a key too few', npyOf(`{'descr': '<f4', 'shape': (2,)}`, new Uint8Array(8)), /the header is/],
  ['text after the dictionary', npyOf(`{${right}} + 1`, new Uint8Array(8)), /the header is/],
  ['a call', npyOf(`__import__('os').system('id')`, new Uint8Array(8)), /the header is/],
  ['a number for a tuple', npyOf(`{${right.replace('(2,)', '(2)')}}`, new Uint8Array(8)), /the header is/],
  ['a negative size', npyOf(`{${right.replace('2', '-2')}}`, new Uint8Array(8)), /the header is/],
  [
    'an impossible shape',
    npyOf(`{${right.replace('2', '9'.repeat(400))}}`, new Uint8Array(8)),
    /impossible shape/,
  ],
  ['too few elements', npyOf(`{${right}}`, new Uint8Array(7)), /float32 2 takes 8 bytes, the file has 7/],
  ['too many elements', npyOf(`{${right}}`, new Uint8Array(9)), /float32 2 takes 8 bytes, the file has 9/],
];

for (const [what, bytes, message] of lies) {
  test(`it refuses ${what}`, async (t) => {
    const file = scratchFile(t, 'a.npy', bytes);
    const error = await t.throwsAsync(readNpyHeader(file), { instanceOf: InputError, message });
    t.true(error.message.startsWith(file));
  });
}

realModelTest('a file of NumPy itself is read', async (t, model) => {
  const { dtype, shape, fortranOrder, byteOffset } = await readNpyHeader(
    join(model, 'reference_abs_projections.npy'),
  );
  t.deepEqual(
    { dtype, shape, fortranOrder, byteOffset },
    {
      dtype: 'float64',
      shape: [512, 64],
      fortranOrder: false,
      byteOffset: 128,
    },
  );
});
