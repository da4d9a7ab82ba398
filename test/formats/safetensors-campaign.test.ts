import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { readSafetensorsHeader, type SafetensorsEntry } from '../../src/formats/safetensors.js';
import { trials } from '../helpers/campaign.js';
import { safetensorsOf, scratchDirectory } from '../helpers/fixtures.js';
import { randomNumbers } from '../helpers/random.js';

const TRIALS = trials(3000);

type Header = Record<string, unknown>;

const BYTES: Readonly<Record<string, number>> = { F32: 4, BF16: 2, I8: 1, F64: 8, BOOL: 1 };

const whole: Header = {
  __metadata__: { format: 'pt', b: '1e-6' },
  'lm_head.weight': { dtype: 'F32', shape: [3, 2], data_offsets: [0, 24] },
  b: { dtype: 'BF16', shape: [4], data_offsets: [24, 32] },
  none: { dtype: 'I8', shape: [0, 5], data_offsets: [32, 32] },
  one: { dtype: 'F64', shape: [], data_offsets: [32, 40] },
};
const DATA = 40;

/** Values that a header has no place for, or has in another place. */
const odd: readonly unknown[] = [
  ...[
    0,
    1,
    -1,
    2,
    24,
    32,
    40,
    0.5,
    1e300,
    2 ** 53,
    2 ** 31,
    null,
    true,
    '',
    '0',
    'F32',
    'BF16',
    'U128',
    [],
    {},
  ],
  ...[
    [0, 24],
    [24, 0],
    [0],
    [0, 24, 32],
    ['0', '24'],
    [[0], 24],
    { toString: 1 },
    { length: 2 },
    [null, 24],
    [3, 2],
  ],
];

/** Changes one member of a header, somewhere. */
function change(header: Header, random: () => number): Header {
  const copy = structuredClone(header);
  const any = <Value>(values: readonly Value[]) => values[Math.floor(random() * values.length)]!;
  let at: Record<string, unknown> = copy;
  for (;;) {
    const keys = Object.keys(at);
    if (keys.length === 0) return copy;
    const key = any(keys);
    const inner = at[key];
    if (typeof inner === 'object' && inner !== null && random() < 0.8) {
      at = inner as Record<string, unknown>;
      continue;
    }
    const kind = random();
    if (kind < 0.15) delete at[key];
    else if (kind < 0.3) at[any([...keys, 'dtype', 'constructor'])] = inner;
    else at[key] = structuredClone(any(odd));
    return copy;
  }
}

/** A reader of its own: what a header of these texts says, or null where it says nothing that holds. */
function readByHand(text: string, dataBytes: number): SafetensorsEntry[] | null {
  const header: unknown = JSON.parse(text);
  const size = (value: unknown) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 53;
  const entries: SafetensorsEntry[] = [];
  for (const [name, value] of Object.entries(header as Header)) {
    if (name === '__metadata__') {
      if (value === null) continue;
      if (typeof value !== 'object' || Array.isArray(value)) return null;
      if (Object.values(value).some((member) => typeof member !== 'string')) return null;
      continue;
    }
    const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
    if (dtype === '' && Array.isArray(shape) && shape.length === 0) {
      if (offsets === undefined) continue;
      if (Array.isArray(offsets) && offsets.length === 2 && offsets[0] === offsets[1] && size(offsets[0]))
        continue;
    }
    const width = typeof dtype === 'string' && Object.hasOwn(BYTES, dtype) ? BYTES[dtype]! : null;
    if (width === null || !Array.isArray(shape) || !shape.every(size)) return null;
    if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(size)) return null;
    const [begin, end] = offsets as [number, number];
    if (end - begin !== shape.reduce((product: number, of: number) => product * of, width)) return null;
    entries.push({
      name,
      dtype: dtype as string,
      shape: shape as number[],
      byteOffset: 8 + Buffer.byteLength(text) + begin,
      byteLength: end - begin,
    });
  }
  entries.sort((a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength);
  let end = 8 + Buffer.byteLength(text);
  for (const { byteOffset, byteLength } of entries) {
    if (byteOffset !== end) return null;
    end += byteLength;
  }
  return end === 8 + Buffer.byteLength(text) + dataBytes ? entries : null;
}

test(`of ${TRIALS} changed headers those are accepted that a reader of its own accepts, with the same tensors`, async (t) => {
  const random = randomNumbers(20_261_128).uniform;
  const file = join(scratchDirectory(t), 'a.safetensors');
  const wrong: string[] = [];
  let accepted = 0;
  for (let k = 0; k < TRIALS; k++) {
    let header = change(whole, random);
    while (random() < 0.3) header = change(header, random);
    const text = JSON.stringify(header);
    const dataBytes = random() < 0.9 ? DATA : Math.floor(random() * 50);
    writeFileSync(file, safetensorsOf(text, new Uint8Array(dataBytes)));
    const expected = readByHand(text, dataBytes);
    try {
      const { tensors } = await readSafetensorsHeader(file);
      accepted++;
      // Tensors without a byte lie where others begin: in any order.
      const texts = [tensors, expected ?? []].map((found) =>
        found
          .map((entry) => JSON.stringify(entry))
          .sort()
          .join(),
      );
      if (expected === null || texts[0] !== texts[1]) wrong.push(`accepted: ${text}, ${dataBytes} bytes`);
    } catch (error) {
      if (!(error instanceof InputError)) wrong.push(`${error}: ${text}`);
      else if (expected !== null) wrong.push(`refused (${error.message}): ${text}, ${dataBytes} bytes`);
    }
  }
  t.log(`${accepted} of ${TRIALS} accepted`);
  t.deepEqual(wrong, []);
  t.true(accepted > TRIALS / 100);
});
