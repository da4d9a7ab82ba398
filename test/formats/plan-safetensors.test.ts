import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { fileChunks } from '../../src/formats/layout.js';
import { planSafetensorsFile } from '../../src/formats/plan-safetensors.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { sampleProjections } from '../helpers/projections.js';
import { pythonTest, runPython } from '../helpers/python.js';

const metadata = { fingerprint: 'f00d', note: 'columns of "eigenvectors" are vectors, γ V' };

/** Float32 with an odd number of elements first: the float64 after it must not lose its alignment. */
const specs = {
  projections: { shape: [3, 5], dtype: 'float32' },
  eigenvalues: { shape: [5], dtype: 'float64' },
  halves: { shape: [3], dtype: 'bfloat16' },
  scalar: { shape: [], dtype: 'float64' },
} as const;

const elements = {
  projections: sampleProjections(3, 5),
  eigenvalues: Float64Array.of(1, 2, 3, 4, 5),
  halves: Uint16Array.of(1, 2, 3),
  scalar: Float64Array.of(Math.PI),
};

const layout = planSafetensorsFile(specs, metadata);
const file = Buffer.concat(fileChunks(layout, Object.values(elements)));

pythonTest('Python, by hand, finds every tensor and the metadata', (t) => {
  const script = `
import hashlib, json, struct, sys
import numpy as np
raw = open(sys.argv[1], 'rb').read()
length, = struct.unpack('<Q', raw[:8])
header = json.loads(raw[8:8 + length])
data = raw[8 + length:]
found = {'__metadata__': header.pop('__metadata__')}
ends = 0
for name, tensor in sorted(header.items(), key=lambda item: item[1]['data_offsets']):
    start, end = tensor['data_offsets']
    assert start == ends
    ends = end
    dtype = {'F32': '<f4', 'F64': '<f8', 'BF16': '<u2'}[tensor['dtype']]
    array = np.frombuffer(data[start:end], dtype).reshape(tensor['shape'])
    found[name] = {'shape': array.shape, 'sha256': hashlib.sha256(array.tobytes()).hexdigest()}
assert ends == len(data)
print(json.dumps(found))`;
  const path = join(scratchDirectory(t), 'eigenbasis.safetensors');
  writeFileSync(path, file);
  const found = runPython(script, [path]);
  t.deepEqual(found, {
    __metadata__: metadata,
    ...Object.fromEntries(
      Object.entries(elements).map(([name, values]) => [
        name,
        {
          shape: specs[name as keyof typeof specs].shape,
          sha256: createHash('sha256').update(values).digest('hex'),
        },
      ]),
    ),
  });
});

test('the layout names the tensors in the given order, each on a boundary of its element', (t) => {
  t.deepEqual(
    layout.tensors.map(({ name }) => name),
    Object.keys(specs),
  );
  for (const [index, { byteOffset, byteLength }] of layout.tensors.entries()) {
    const values = Object.values(elements)[index]!;
    t.is(byteOffset % values.BYTES_PER_ELEMENT, 0);
    t.deepEqual(file.subarray(byteOffset, byteOffset + byteLength), Buffer.from(values.buffer));
  }
  t.is(layout.bytes, file.length);
});

test('the data begin at a multiple of 8 bytes, whatever the length of the header', (t) => {
  for (let length = 0; length < 9; length++) {
    const planned = planSafetensorsFile(
      { x: { shape: [2 ** 20, 2 ** 13], dtype: 'float32' } },
      { note: '.'.repeat(length) },
    );
    t.is(planned.tensors[0]!.byteOffset % 8, 0);
    t.is(planned.bytes - planned.tensors[0]!.byteOffset, 2 ** 35);
  }
});

test('the name of the metadata is refused for a tensor', (t) => {
  t.throws(() => planSafetensorsFile({ __metadata__: { shape: [1], dtype: 'float32' } }, {}), {
    message: /no tensor can be called __metadata__/,
  });
});
