import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { fileChunks } from '../../src/formats/layout.js';
import { type NpyTensor, planNpyFile } from '../../src/formats/npy-header.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { sampleProjections } from '../helpers/projections.js';
import { pythonTest, runPython } from '../helpers/python.js';

const tensors: readonly NpyTensor[] = [
  { shape: [1, 1], dtype: 'float32' },
  { shape: [7], dtype: 'float64' },
  { shape: [], dtype: 'float64' },
  { shape: [13, 5], dtype: 'float32' },
  { shape: [3, 4, 5], dtype: 'float64' },
  { shape: [0, 5], dtype: 'float32' },
];

pythonTest('NumPy loads and maps the same array', (t) => {
  const directory = scratchDirectory(t);
  const expected = tensors.map((tensor, index) => {
    const values = elements(tensor);
    const chunks = fileChunks(planNpyFile('array', tensor), [values]);
    writeFileSync(join(directory, `${index}.npy`), Buffer.concat(chunks));
    return { shape: tensor.shape, dtype: tensor.dtype, sha256: sha256(values), aligned: true };
  });
  const script = `
import hashlib, json, sys
import numpy as np
found = []
for file in sys.argv[1:]:
    array = np.load(file)
    # An empty array cannot be mapped.
    mapped = np.load(file, mmap_mode='r') if array.size else array
    assert mapped.tobytes() == array.tobytes() and array.flags['C_CONTIGUOUS']
    found.append({
        'shape': array.shape, 'dtype': str(array.dtype),
        'sha256': hashlib.sha256(array.tobytes()).hexdigest(), 'aligned': bool(mapped.flags['ALIGNED']),
    })
print(json.dumps(found))`;
  const files = tensors.map((_, index) => join(directory, `${index}.npy`));
  const found = runPython(script, files);
  t.deepEqual(found, expected);
});

test('the elements begin at a multiple of 64 bytes and end the file', (t) => {
  for (const tensor of [...tensors, { shape: [151_936, 2560], dtype: 'float32' } as const]) {
    const { bytes, tensors: places } = planNpyFile('projections', tensor);
    const { name, byteOffset, byteLength } = places[0]!;
    t.is(name, 'projections');
    t.is(byteOffset % 64, 0);
    t.is(byteOffset + byteLength, bytes);
  }
});

function elements({ shape, dtype }: NpyTensor): Float32Array | Float64Array {
  const values = sampleProjections(
    shape.reduce((count, size) => count * size, 1),
    1,
  );
  return dtype === 'float64' ? Float64Array.from(values) : values;
}

function sha256(values: NodeJS.ArrayBufferView): string {
  return createHash('sha256').update(values).digest('hex');
}
