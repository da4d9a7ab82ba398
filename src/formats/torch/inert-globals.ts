import { opaque, type PickleGlobal } from './pickle-value.js';

/** Python's own types; protocol 2 calls their module, and the type of a range, by their names in Python 2. */
const builtins = [
  ...['bool', 'bytearray', 'bytes', 'complex', 'dict', 'float', 'frozenset', 'int', 'list'],
  ...['range', 'set', 'slice', 'str', 'tuple', 'xrange'],
];

const paths = ['Path', 'PosixPath', 'PurePath', 'PurePosixPath', 'PureWindowsPath', 'WindowsPath'];

/**
 * Names whose values people keep beside tensors: settings, versions, dates, paths. All of them are on PyTorch's own
 * list of what is safe to load, or hold data and nothing else. Here they are passed over: nothing of them is built.
 */
const names: Readonly<Record<string, readonly string[]>> = {
  torch: [
    ...['Tensor', 'device', 'channels_last', 'contiguous_format', 'preserve_format', 'strided'],
    ...['per_channel_affine', 'per_channel_affine_float_qparams', 'per_channel_symmetric'],
    ...['per_tensor_affine', 'per_tensor_symmetric'],
  ],
  'torch.nn.parameter': ['Parameter'],
  'torch.serialization': ['_get_layout'],
  'torch.torch_version': ['TorchVersion'],
  __builtin__: builtins,
  builtins,
  argparse: ['Namespace'],
  collections: ['deque'],
  datetime: ['date', 'datetime', 'time', 'timedelta', 'timezone'],
  decimal: ['Decimal'],
  fractions: ['Fraction'],
  pathlib: paths,
  'pathlib._local': paths,
  types: ['SimpleNamespace'],
  uuid: ['UUID'],
};

/** The globals that are passed over, whatever they are called with. */
export const inertGlobals: readonly PickleGlobal[] = Object.entries(names).flatMap(([module, members]) =>
  members.map((member): PickleGlobal => {
    const name = `${module} ${member}`;
    return { kind: 'global', name, call: () => opaque(name) };
  }),
);
