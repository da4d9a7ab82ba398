import test from 'ava';
import { InputError } from '../../src/errors.js';
import { detectFormat } from '../../src/formats/detect-format.js';
import { npy, op, safetensors, safetensorsOf, scratchFile, torchFile } from '../helpers/fixtures.js';

const known = [
  ['torch', torchFile(op.program(op.none))],
  ['pickle', op.program(op.none)],
  ['npy', npy('<f4', [1], new Uint8Array(4))],
  ['safetensors', safetensors([])],
  // Its first two bytes are those of a pickle of protocol 2.
  ['safetensors', safetensorsOf('{}'.padEnd(0x280), new Uint8Array(0))],
] as const;

for (const [index, [format, bytes]] of known.entries()) {
  test(`file ${index} is recognised as ${format}, whatever its name is`, async (t) => {
    t.is(await detectFormat(scratchFile(t, 'a.txt', bytes), 'the metric', 'anything'), format);
  });
}

test('other content is refused with what was expected and what came', async (t) => {
  const refused = (bytes: string | Uint8Array, message: RegExp) =>
    t.throwsAsync(detectFormat(scratchFile(t, 'a.npy', bytes), 'the metric', 'a .npy file'), {
      instanceOf: InputError,
      message,
    });
  await refused('', /expected the metric as a .npy file, but the file is empty/);
  await refused('hello, you', /begins with the bytes 68 65 6c 6c 6f 2c 20 79;/);
  await refused('version https://git-lfs.github.com/spec/v1\n', /git lfs pull/);
});
