import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { pickleEntries, type TorchEntries } from '../../../src/formats/torch/write-pickle.js';
import { scratchDirectory } from '../../helpers/fixtures.js';
import { pythonTest, runPython } from '../../helpers/python.js';

const dictionaries: readonly TorchEntries[] = [
  {},
  { M: { shape: [64, 64], dtype: 'float32' } },
  {
    eigenvalues: { shape: [2560], dtype: 'float32' },
    eigenvectors: { shape: [2560, 2560], dtype: 'float32' },
    metadata: {
      model: 'Qwen3-4B',
      hidden_dim: 2560,
      note: 'γ = E, "ascending"',
      empty: {},
      one: { deep: true },
    },
  },
  {
    scalar: { shape: [], dtype: 'float64' },
    cube: { shape: [3, 4, 5], dtype: 'float16' },
    four: { shape: [2, 1, 3, 2], dtype: 'bfloat16' },
    none: { shape: [4, 0, 3], dtype: 'float32' },
    large: { shape: [400_000, 10_240], dtype: 'float32' },
  },
  {
    integers: integers([0, 1, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 52]),
    floats: { tenth: 0.1, tiny: 5e-324, huge: 1e300, negative: -2.5 },
    booleans: { yes: true, no: false },
    repeated: { cpu: 'storage', storage: 'cpu', text: 'text' },
  },
  // More than 256 memo slots.
  {
    metadata: Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`key ${index}`, `key ${index % 290}`]),
    ),
  },
];

pythonTest("the bytes are those of Python's own pickler", (t) => {
  const directory = scratchDirectory(t);
  const file = join(directory, 'dictionaries.json');
  writeFileSync(file, JSON.stringify(dictionaries));
  // Stands in for torch: a tensor that reduces to the call that torch.save writes.
  const script = `
import collections, io, json, pickle, sys, types

torch = types.ModuleType('torch')
utils = types.ModuleType('torch._utils')
sys.modules.update({'torch': torch, 'torch._utils': utils})
def _rebuild_tensor_v2(*arguments): pass
_rebuild_tensor_v2.__module__ = 'torch._utils'
utils._rebuild_tensor_v2 = _rebuild_tensor_v2
names = {'float32': 'FloatStorage', 'float64': 'DoubleStorage', 'float16': 'HalfStorage', 'bfloat16': 'BFloat16Storage'}
for name in names.values():
    setattr(torch, name, type(name, (), {'__module__': 'torch'}))

class Storage:
    def __init__(self, kind, elements): self.kind, self.elements = kind, elements

class Tensor:
    def __init__(self, shape, dtype):
        self.shape, self.strides, elements = tuple(shape), [], 1
        for size in reversed(shape):
            self.strides.insert(0, elements)
            elements *= max(size, 1)
        self.storage = Storage(names[dtype], 0 if 0 in shape else elements)
    def __reduce_ex__(self, protocol):
        arguments = (self.storage, 0, self.shape, tuple(self.strides), False, collections.OrderedDict())
        return utils._rebuild_tensor_v2, arguments

class Pickler(pickle.Pickler):
    storages = 0
    def persistent_id(self, value):
        if not isinstance(value, Storage): return None
        self.storages += 1
        key = sys.intern(str(self.storages - 1))
        return ('storage', getattr(torch, value.kind), key, 'cpu', value.elements)

def restore(value):
    if isinstance(value, str): return sys.intern(value)
    if not isinstance(value, dict): return value
    if isinstance(value.get('shape'), list): return Tensor(value['shape'], value['dtype'])
    return {sys.intern(key): restore(item) for key, item in value.items()}

pickles = []
for entries in json.load(open(sys.argv[1])):
    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump(restore(entries))
    pickles.append(stream.getvalue().hex())
print(json.dumps(pickles))`;
  const expected = runPython(script, [file]);
  t.deepEqual(
    dictionaries.map((entries) => Buffer.from(pickleEntries(entries)).toString('hex')),
    expected,
  );
});

test('an impossible shape is refused', (t) => {
  t.throws(() => pickleEntries({ x: { shape: [2, 1.5], dtype: 'float32' } }), {
    message: /2 x 1.5 is impossible/,
  });
});

function integers(magnitudes: readonly number[]): Record<string, number> {
  return Object.fromEntries(magnitudes.flatMap((n) => [n, -n, -n - 1]).map((n) => [`n${n}`, n]));
}
