import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import test from 'ava';
import { fileChunks } from '../../../src/formats/layout.js';
import { planTorchFile } from '../../../src/formats/torch/plan-torch-file.js';
import type { TorchEntries } from '../../../src/formats/torch/write-pickle.js';
import { scratchDirectory } from '../../helpers/fixtures.js';
import { sampleProjections } from '../../helpers/projections.js';
import { pythonTest, runPython } from '../../helpers/python.js';
import { realModelTest } from '../../helpers/shared-models.js';

const metadata = { model: 'stories260k', hidden_dim: 64, ridge: 1e-6, tied: true, nested: { note: 'γ' } };

const entries: TorchEntries = {
  eigenvalues: { shape: [7], dtype: 'float64' },
  eigenvectors: { shape: [7, 7], dtype: 'float32' },
  projections: { shape: [13, 7], dtype: 'float32' },
  metadata,
};

const eigenvalues = Float64Array.from(sampleProjections(7, 1));
const eigenvectors = sampleProjections(7, 7);
const projections = sampleProjections(13, 7);

/** Reads a .pt as torch.load(weights_only=True) does: no globals but these, storages by their keys. */
const load = `
import collections, hashlib, json, pickle, struct, sys, zipfile
import numpy as np
file = sys.argv[1]
archive = zipfile.ZipFile(file)
assert archive.testzip() is None
names = archive.namelist()
folder = names[0].split('/')[0]
raw = open(file, 'rb').read()
for info in archive.infolist():
    name, extra = struct.unpack('<HH', raw[info.header_offset + 26:info.header_offset + 30])
    assert info.compress_type == zipfile.ZIP_STORED
    assert (info.header_offset + 30 + name + extra) % 64 == 0

def rebuild(storage, offset, shape, strides, requires_grad, hooks):
    assert offset == 0 and not requires_grad and hooks == collections.OrderedDict()
    array = storage.reshape(shape)
    assert array.size == 0 or tuple(stride // array.itemsize for stride in array.strides) == strides
    return array

class Unpickler(pickle.Unpickler):
    allowed = {
        ('torch._utils', '_rebuild_tensor_v2'): rebuild,
        ('torch', 'FloatStorage'): '<f4', ('torch', 'DoubleStorage'): '<f8',
        ('collections', 'OrderedDict'): collections.OrderedDict,
    }
    def find_class(self, module, name): return self.allowed[module, name]
    def persistent_load(self, identity):
        kind, dtype, key, location, elements = identity
        assert kind == 'storage' and location == 'cpu'
        array = np.frombuffer(archive.read(f'{folder}/data/{key}'), dtype)
        assert array.size == elements
        return array

def plain(value):
    if not isinstance(value, np.ndarray): return value
    return {'shape': value.shape, 'dtype': str(value.dtype), 'sha256': hashlib.sha256(value.tobytes()).hexdigest()}

loaded = Unpickler(archive.open(f'{folder}/data.pkl')).load()
values = [[key, plain(value)] for key, value in loaded.items()]
files = {name: archive.read(name).decode() for name in (f'{folder}/byteorder', f'{folder}/version')}
print(json.dumps({'names': names, 'values': values, 'files': files}))`;

const expected = {
  names: ['data.pkl', 'byteorder', 'data/0', 'data/1', 'data/2', 'version'].map((name) => `run/${name}`),
  files: { 'run/byteorder': 'little', 'run/version': '3\n' },
  values: [
    ['eigenvalues', described(eigenvalues, [7], 'float64')],
    ['eigenvectors', described(eigenvectors, [7, 7], 'float32')],
    ['projections', described(projections, [13, 7], 'float32')],
    ['metadata', metadata],
  ],
};

pythonTest('Python with NumPy alone loads the dictionary', (t) => {
  const file = join(scratchDirectory(t), 'run.pt');
  const layout = planTorchFile('run', entries);
  writeFileSync(file, Buffer.concat(fileChunks(layout, [eigenvalues, eigenvectors, projections])));
  const found = runPython(load, [file]);
  t.deepEqual(found, expected);
});

test('rows written in any order at their offsets, and the frame last, give the same file', (t) => {
  const file = join(scratchDirectory(t), 'run.pt');
  const layout = planTorchFile('run', entries);
  const place = Object.fromEntries(layout.tensors.map((tensor) => [tensor.name, tensor]));
  const fd = openSync(file, 'w');
  for (const row of [12, 3, 5, 0, 1, 2, 4, 11, 10, 9, 8, 7, 6]) {
    const bytes = new Uint8Array(projections.buffer, row * 28, 28);
    writeSync(fd, bytes, 0, 28, place.projections!.byteOffset + row * 28);
  }
  writeSync(fd, new Uint8Array(eigenvectors.buffer), 0, 196, place.eigenvectors!.byteOffset);
  writeSync(fd, new Uint8Array(eigenvalues.buffer), 0, 56, place.eigenvalues!.byteOffset);
  const crcs = [eigenvalues, eigenvectors, projections].map((tensor) => crc32(tensor));
  for (const { offset, bytes } of layout.frame(crcs)) writeSync(fd, bytes, 0, bytes.length, offset);
  closeSync(fd);
  t.deepEqual(
    readFileSync(file),
    Buffer.concat(fileChunks(planTorchFile('run', entries), [eigenvalues, eigenvectors, projections])),
  );
});

realModelTest('the pickle of a file that torch.save wrote is reproduced byte for byte', (t, directory) => {
  const layout = planTorchFile('reference_projections', {
    projections: { shape: [512, 64], dtype: 'float32' },
    metadata: { model: 'stories260k', vocab_size: 512, hidden_dim: 64 },
  });
  const reference = readFileSync(join(directory, 'reference_projections.pt'));
  // The first record's bytes begin at 64 in both, and a pickle ends with the opcode STOP, a full stop.
  const pickle = reference.subarray(64, 64 + 268);
  t.is(pickle.at(-1), '.'.charCodeAt(0));
  t.deepEqual(Buffer.from(layout.frame([0])[0]!.bytes).subarray(64), pickle);
});

test('a large export is planned without its elements', (t) => {
  const layout = planTorchFile('projections', {
    projections: { shape: [1_000_000, 5120], dtype: 'float32' },
    metadata,
  });
  const [place] = layout.tensors;
  t.is(place!.byteLength, 20_480_000_000);
  t.is(place!.byteOffset % 64, 0);
  t.true(layout.bytes - place!.byteLength < 2000);
});

test('a name that would be a path inside the archive is refused', (t) => {
  t.throws(() => planTorchFile('a/b', entries), { instanceOf: RangeError, message: /unlike 'a\/b'/ });
  t.throws(() => planTorchFile('', entries), { instanceOf: RangeError });
});

function described(values: NodeJS.ArrayBufferView, shape: number[], dtype: string) {
  return { shape, dtype, sha256: createHash('sha256').update(values).digest('hex') };
}
