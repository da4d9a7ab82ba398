import { opaque, type PickleGlobal } from './pickle-value.js';

/**
 * Names whose values people keep beside tensors: settings, versions, dates, paths. All of them are on PyTorch's own
 * list of what is safe to load, or hold data and nothing else. Here they are passed over: nothing of them is built.
 */
const names: Readonly<Record<string, readonly string[]>> = {
  torch: [
    'Tensor',
    'device',
    'per_tensor_affine',
    'per_tensor_symmetric',
    'per_channel_affine',
    'per_channel_symmetric',
    'per_channel_affine_float_qparams',
  ],
  'torch.nn.parameter': ['Parameter'],
  'torch.serialization': ['_get_layout'],
  'torch.torch_version': ['TorchVersion'],
  // Protocol 2 calls this module by its name in Python 2.
  __builtin__: ['bytearray', 'complex', 'dict', 'float', 'frozenset', 'int', 'list', 'set', 'str'],
  builtins: ['bytearray', 'complex', 'dict', 'float', 'frozenset', 'int', 'list', 'set', 'str'],
  collections: ['deque'],
  argparse: ['Namespace'],
  types: ['SimpleNamespace'],
  datetime: ['date', 'datetime', 'time', 'timedelta', 'timezone'],
  decimal: ['Decimal'],
  fractions: ['Fraction'],
  uuid: ['UUID'],
  pathlib: ['Path', 'PosixPath', 'PurePath', 'PurePosixPath', 'PureWindowsPath', 'WindowsPath'],
  'pathlib._local': ['Path', 'PosixPath', 'PurePath', 'PurePosixPath', 'PureWindowsPath', 'WindowsPath'],
};

/** The globals that are passed over, whatever they are called with. */
export const inertGlobals: readonly PickleGlobal[] = Object.entries(names).flatMap(([module, members]) =>
  members.map((member): PickleGlobal => {
    const name = `${module} ${member}`;
    return { kind: 'global', name, call: () => opaque(name) };
  }),
);
