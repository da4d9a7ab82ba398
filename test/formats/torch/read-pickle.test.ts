import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { InputError } from '../../../src/errors.js';
import { withFile } from '../../../src/files/open-file.js';
import { isOpaque, isTuple, type PickleValue } from '../../../src/formats/torch/pickle-value.js';
import { MAX_PICKLE_OPCODES, readPickle } from '../../../src/formats/torch/read-pickle.js';
import { readStoredEntries } from '../../../src/formats/torch/read-zip.js';
import { torchRules } from '../../../src/formats/torch/torch-globals.js';
import { trials } from '../../helpers/campaign.js';
import { op, tensorPickle } from '../../helpers/fixtures.js';
import { pythonValues } from '../../helpers/python-values.js';
import { realModelTest } from '../../helpers/shared-models.js';

const read = (bytes: Uint8Array) => readPickle(bytes, 'a.pt', torchRules);

test('plain values are read as Python wrote them', (t) => {
  const value = read(
    op.program(
      op.dictOf(
        ...[
          op.text('name'),
          op.text('γ 😀'),
          op.text('ridge'),
          op.float(1e-6),
          op.text('rows'),
          op.int(-512),
        ],
        ...[op.text('none'), op.none, op.text('yes'), op.true, op.text('no'), op.false],
        ...[op.text('list'), op.emptyList, op.int(7), op.none],
      ),
    ),
  );
  t.deepEqual(
    value,
    new Map<PickleValue, PickleValue>([
      ['name', 'γ 😀'],
      ['ridge', 1e-6],
      ['rows', -512],
      ['none', null],
      ['yes', true],
      ['no', false],
      ['list', []],
      [7, null],
    ]),
  );
});

/** pickle.dumps({'a': [1, 300, 70000, -2, 2**70, -2**63, 1.5], 't': (), 'b': b'xy', 'u': 'é', 'n': (None, True, ('k',))}) */
const written = {
  3:
    '80037d71002858010000006171015d7102284b014d2c014a701101004afeffffff8a090000000000000000408a' +
    '080000000000000080473ff8000000000000655801000000747103295801000000627104430278797105580100' +
    '00007571065802000000c3a9710758010000006e71084e8858010000006b710985710a87710b752e',
  4:
    '8004955f000000000000007d94288c0161945d94284b014d2c014a701101004afeffffff8a0900000000000000' +
    '00408a080000000000000080473ff8000000000000658c017494298c01629443027879948c0175948c02c3a994' +
    '8c016e944e888c016b9485948794752e',
  5:
    '8005955f000000000000007d94288c0161945d94284b014d2c014a701101004afeffffff8a0900000000000000' +
    '00408a080000000000000080473ff8000000000000658c017494298c01629443027879948c0175948c02c3a994' +
    '8c016e944e888c016b9485948794752e',
} as const;

for (const [protocol, bytes] of Object.entries(written)) {
  test(`protocol ${protocol} is read as Python wrote it`, (t) => {
    const value = read(Buffer.from(bytes, 'hex')) as Map<PickleValue, PickleValue>;
    t.deepEqual(value.get('a'), [1, 300, 70000, -2, 2n ** 70n, -(2n ** 63n), 1.5]);
    t.deepEqual(value.get('b'), Uint8Array.from(Buffer.from('xy')));
    t.is(value.get('u'), 'é');
    t.deepEqual(value.get('n'), [null, true, ['k']]);
    t.false(isTuple(value.get('a')!));
    t.true(isTuple(value.get('t')!) && isTuple(value.get('n')!));
  });
}

for (const protocol of [2, 4, 5] as const) {
  test(`values that people keep beside tensors are read or passed over, in protocol ${protocol}`, (t) => {
    const value = read(pythonValues[protocol]) as Map<string, PickleValue>;
    t.is(value.size, 25);
    const plain = [...value].filter(([, held]) => !isOpaque(held) && !(held instanceof Map));
    t.like(Object.fromEntries(plain), {
      bytes: Uint8Array.of(97, 98, 255),
      // np.float64(1e-6), np.int64(-5), np.bool_(True), np.float16(0.5), and a big-endian float32.
      ridge: 1e-6,
      count: -5,
      flag: true,
      half: 0.5,
      big: 7,
      end: 'end',
    });
    t.deepEqual(value.get('counter'), new Map([...'ab'].map((key, index) => [key, 2 - index] as const)));
    t.deepEqual(value.get('default'), new Map([['k', [1]]]));
    t.deepEqual(value.get('ordered'), new Map([['a', 1]]));
    for (const key of [
      'set',
      'frozen',
      'complex',
      'rows',
      'word',
      'day',
      'path',
      'args',
      'deque',
      'space',
      'id',
    ]) {
      t.true(isOpaque(value.get(key)), key);
    }
  });
}

test('dtypes, devices and versions of PyTorch are passed over', (t) => {
  const device = [op.global('torch', 'device'), op.tupleOf(op.text('cuda'), op.int(0)), op.reduce];
  const version = [
    op.global('torch.torch_version', 'TorchVersion'),
    op.tupleOf(op.text('2.9.0')),
    Buffer.from([0x81]),
  ];
  const value = read(
    op.program(
      op.dictOf(
        ...[op.text('dtype'), op.global('torch', 'float32'), op.text('device'), ...device],
        ...[op.global('torch', 'bfloat16'), op.text('a key'), op.text('version'), ...version],
        ...[op.text('ridge'), op.float(1e-6)],
      ),
    ),
  ) as Map<PickleValue, PickleValue>;
  t.is(value.size, 5);
  t.is(value.get('ridge'), 1e-6);
  t.true(isOpaque(value.get('device')) && isOpaque(value.get('version')));
});

test('a long text that is encoded again and again is not copied', (t) => {
  const long = op.text('x'.repeat(1e6));
  const encode = Buffer.concat([
    Buffer.from('h\x01h\x00', 'latin1'),
    op.text('latin1'),
    Buffer.from([0x86]),
    op.reduce,
  ]);
  const times = 20_000;
  const put = (index: number) => Buffer.from([0x71, index]);
  const before = process.memoryUsage().arrayBuffers;
  read(
    op.program(
      op.mark,
      ...[long, put(0), op.global('_codecs', 'encode'), put(1)],
      ...Array.from({ length: times }, () => encode),
      op.tuple,
    ),
  );
  // Copied, they would be 20 GB.
  t.true(process.memoryUsage().arrayBuffers - before < 1e8);
});

/** The persistent id of a storage without a dtype, of `bytes` bytes. */
const untyped = (bytes: number) =>
  Buffer.concat([
    op.tupleOf(
      ...[op.text('storage'), op.global('torch.storage', 'UntypedStorage'), op.text('0'), op.text('cpu')],
      op.int(bytes),
    ),
    op.persistentId,
  ]);
const sizes = (...values: number[]) => op.tupleOf(...values.map(op.int));
const ordered = Buffer.concat([op.global('collections', 'OrderedDict'), op.emptyTuple, op.reduce]);

const made = (name: string, ...args: Buffer[]) =>
  read(op.program(op.global('torch._utils', name), op.tupleOf(...args), op.reduce));

test('tensors of a dtype beside the storage are read where the dtype is', (t) => {
  const ofDtype = (dtype: string, bytes: number) =>
    made(
      '_rebuild_tensor_v3',
      ...[untyped(bytes), op.int(0), sizes(4, 4), sizes(4, 1), op.false, ordered],
      ...[op.global('torch', dtype), op.emptyDict],
    );
  t.like(ofDtype('bfloat16', 32), { kind: 'tensor', dtype: 'bfloat16', shape: [4, 4], storageSize: 16 });
  t.like(ofDtype('float8_e4m3fn', 16), { kind: 'tensor', dtype: 'float8_e4m3fn', shape: [4, 4] });
  t.like(ofDtype('uint16', 32), { kind: 'tensor', dtype: 'uint16', shape: [4, 4] });
});

test('tensors whose data cannot be read keep their shape', (t) => {
  const quantised = tensorStorage('QInt8Storage', 16);
  t.like(made('_rebuild_qtensor', quantised, op.int(0), sizes(4, 4), sizes(4, 1), op.emptyTuple), {
    dtype: 'qint8',
    shape: [4, 4],
  });
  const parts = op.tupleOf(op.none, op.none, sizes(4, 4), op.true);
  t.like(made('_rebuild_sparse_tensor', op.none, parts), { dtype: 'sparse', shape: [4, 4] });
  const meta = [op.global('torch', 'float32'), sizes(4, 4), sizes(4, 1), op.false];
  t.like(made('_rebuild_meta_tensor_no_storage', ...meta), { dtype: 'meta', shape: [4, 4] });
});

test('a tensor with attributes, or a parameter with a state, is the tensor', (t) => {
  const tensor = tensorPickle({ size: 4, shape: [2, 2], strides: [2, 1] });
  t.like(made('_rebuild_parameter_with_state', tensor, op.true, ordered, op.emptyDict), { shape: [2, 2] });
  const maker = op.global('torch._utils', '_rebuild_parameter');
  const args = op.tupleOf(tensor, op.true, ordered);
  const typed = [op.global('torch._tensor', '_rebuild_from_type_v2')];
  const call = op.tupleOf(maker, op.global('torch', 'Tensor'), args, op.emptyDict);
  t.like(read(op.program(...typed, call, op.reduce)), { kind: 'tensor', shape: [2, 2] });
});

/** The persistent id of a storage. */
function tensorStorage(storageClass: string, size: number): Buffer {
  const id = [
    op.text('storage'),
    op.global('torch', storageClass),
    op.text('0'),
    op.text('cpu'),
    op.int(size),
  ];
  return Buffer.concat([op.tupleOf(...id), op.persistentId]);
}

test('a tensor becomes a descriptor', (t) => {
  const value = read(
    op.program(
      tensorPickle({
        storageClass: 'HalfStorage',
        key: '7',
        size: 99,
        offset: 3,
        shape: [2, 4],
        strides: [1, 2],
      }),
    ),
  );
  t.deepEqual(value, {
    kind: 'tensor',
    dtype: 'float16',
    shape: [2, 4],
    strides: [1, 2],
    storageOffset: 3,
    storageKey: '7',
    storageSize: 99,
  });
});

test('integer tensors, parameters, sizes and state dictionaries are understood', (t) => {
  const integers = tensorPickle({ storageClass: 'LongStorage', size: 1, shape: [1], strides: [1] });
  const parameter = [
    op.global('torch._utils', '_rebuild_parameter'),
    op.tupleOf(integers, op.true, op.none),
    op.reduce,
  ];
  const size = [op.global('torch', 'Size'), op.tupleOf(op.tupleOf(op.int(2), op.int(3))), op.reduce];
  const ordered = Buffer.concat([op.global('collections', 'OrderedDict'), op.emptyTuple, op.reduce]);
  const state = [op.mark, op.text('w'), ...parameter, op.text('s'), ...size, op.setItems];
  const attributes = [op.dictOf(op.text('_metadata'), ordered), op.build];
  const value = read(op.program(ordered, ...state, ...attributes)) as Map<string, PickleValue>;
  t.like(value.get('w'), { kind: 'tensor', dtype: 'int64' });
  t.deepEqual(value.get('s'), [2, 3]);
  t.deepEqual([...value.keys()], ['w', 's']);
});

test('keys named like parts of an object do no harm', (t) => {
  const value = read(op.program(op.dictOf(op.text('__proto__'), op.dictOf(op.text('polluted'), op.true))));
  t.true(value instanceof Map && value.get('__proto__') instanceof Map);
  t.false('polluted' in {});
});

const call = (module: string, name: string, ...args: Buffer[]) =>
  op.program(op.global(module, name), op.tupleOf(...args), op.reduce);

const refused: [what: string, bytes: Buffer, message: RegExp][] = [
  [
    'os.system',
    call('os', 'system', op.text('id')),
    /^a\.pt, byte 2: .*global "os system" is not allowed; nothing of it/,
  ],
  ['builtins.eval', call('builtins', 'eval', op.text('1')), /global "builtins eval" is not allowed/],
  [
    'a global from the stack',
    Buffer.from('80048c05706f7369788c0673797374656d93' + '2e', 'hex'),
    /byte 17: .*"posix system"/,
  ],
  ['NumPy beyond its values', call('numpy', 'load', op.text('x')), /global "numpy load" is not allowed/],
  ['torch.load itself', call('torch', 'load', op.text('x')), /"torch load" is not allowed/],
  [
    'a global named by a tuple',
    Buffer.from('8004' + '29' + '8c0161' + '93' + '2e', 'hex'),
    /not named by strings/,
  ],
  ['a call of a class', call('torch', 'FloatStorage', op.int(3)), /calls something that cannot be called/],
  ['a call of a string', op.program(op.text('f'), op.emptyTuple, op.reduce), /cannot be called/],
  [
    'a call without a tuple',
    op.program(op.global('torch', 'Size'), op.emptyList, op.reduce),
    /without a tuple/,
  ],
  [
    'the opcode INST',
    op.program(op.mark, Buffer.from('ios\nsystem\n')),
    /byte 3: .*opcode 0x69 \(INST\) is not allowed/,
  ],
  [
    'a new object of a class that is not allowed',
    op.program(op.global('subprocess', 'Popen'), op.emptyTuple, Buffer.from([0x81])),
    /global "subprocess Popen" is not allowed/,
  ],
  ['the opcode EXT1', op.program(Buffer.from([0x82, 1])), /0x82 \(EXT1\)/],
  ['an unknown opcode', op.program(Buffer.from([0xff])), /0xff \(unknown\)/],
  [
    'attributes of a tensor',
    op.program(tensorPickle({ size: 1, shape: [], strides: [] }), op.emptyDict, op.build),
    /attributes/,
  ],
  [
    'a persistent id that is no storage',
    op.program(op.text('x'), op.persistentId),
    /persistent id is not of a storage/,
  ],
  [
    'a tensor with strides of another length',
    op.program(tensorPickle({ size: 4, shape: [2, 2], strides: [1] })),
    /impossible/,
  ],
  [
    'a tensor of negative size',
    op.program(tensorPickle({ size: 4, shape: [-2], strides: [1] })),
    /impossible/,
  ],
  [
    'an unknown storage',
    op.program(tensorPickle({ storageClass: 'MadeUpStorage', size: 1, shape: [], strides: [] })),
    /MadeUp/,
  ],
  ['a list as a key', op.program(op.dictOf(op.emptyList, op.none)), /dictionary key/],
  [
    'a key beyond 2^53',
    op.program(op.dictOf(Buffer.from('8a080000000000000040', 'hex'), op.none)),
    /key is a number/,
  ],
  [
    'a key of 2^24',
    op.program(op.dictOf(op.int(2 ** 24), op.none)),
    /key is a number, and no whole one below 2\^24/,
  ],
  ['a key of -2^24', op.program(op.dictOf(op.int(-(2 ** 24)), op.none)), /key is a number/],
  ['a key of 0.5', op.program(op.dictOf(op.float(0.5), op.none)), /key is a number/],
  ['a key that is no number', op.program(op.dictOf(op.float(Number.NaN), op.none)), /key is a number/],
  ['a memo of 2^24', op.program(op.none, Buffer.from('7200000001', 'hex')), /puts memo 16777216/],
  ['a key without a value', op.program(op.dictOf(op.none)), /key without a value/],
  ['items of a list', op.program(op.emptyList, op.mark, op.none, op.none, op.setItems), /no dictionary/],
  ['appending to a tuple', op.program(op.emptyTuple, op.mark, op.none, op.appends), /no list/],
  ['an empty stack', op.program(), /empty stack/],
  ['a mark that was never set', op.program(op.tuple), /mark that was never set/],
  ['two values', op.program(op.none, op.none), /more than one value/],
  ['bytes after the end', Buffer.concat([op.program(op.none), op.none]), /1 bytes follow its end/],
  ['a memo that was never put', op.program(Buffer.from('h\x05')), /memo 5/],
  ['a string beyond the end', op.program(Buffer.from('X\xff\xff\xff\x7f', 'latin1')), /ends early/],
  ['a string of 2^63 bytes', op.program(Buffer.from('8d0000000000000080', 'hex')), /ends early/],
  ['a string that is not UTF-8', op.program(Buffer.from('X\x01\0\0\0\xff', 'latin1')), /not UTF-8/],
  ['a global without an end', Buffer.concat([op.proto(), Buffer.from('cos')]), /a line does not end/],
  ['protocol 1', Buffer.concat([op.proto(1), op.none, op.stop]), /protocol is 1, expected 2 to 5/],
  ['text', Buffer.from('hello'), /does not begin with a protocol number/],
  ['nothing', Buffer.alloc(0), /ends early/],
  ['too many opcodes', op.program(Buffer.alloc(MAX_PICKLE_OPCODES, '}')), /more than 2000000 opcodes/],
];

for (const [what, bytes, message] of refused) {
  test(`it refuses ${what}`, (t) => {
    t.throws(() => read(bytes), { instanceOf: InputError, message });
  });
}

test('deep nesting does not overflow the stack', (t) => {
  const depth = 100_000;
  t.notThrows(() => read(op.program(op.emptyTuple, Buffer.alloc(depth, 0x85))));
});

async function realPickle(model: string): Promise<Uint8Array> {
  const file = join(model, 'causal_metric_tensor.pt');
  const { byteOffset, byteLength } = await withFile(file, 'the metric', async (opened) => {
    const entries = await readStoredEntries(opened);
    return entries.get('causal_metric_tensor/data.pkl')!;
  });
  return readFileSync(file).subarray(byteOffset, byteOffset + byteLength);
}

realModelTest('a real pickle, damaged anywhere, gives an InputError or a value alone', async (t, model) => {
  const whole = await realPickle(model);
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
  let refusals = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const bytes = Uint8Array.from(whole);
      for (const [position, value] of changes) bytes[position] = value;
      try {
        read(bytes);
      } catch (error) {
        refusals++;
        return error instanceof InputError;
      }
      return true;
    }),
    { seed: 1, numRuns: trials(20_000) },
  );
  t.log(`${refusals} of ${trials(20000)} refused`);
  t.pass();
});

test('random opcodes give an InputError or a value, never anything else', (t) => {
  const token = fc.constantFrom(
    ...[
      op.mark,
      op.tuple,
      op.emptyTuple,
      op.emptyDict,
      op.emptyList,
      op.setItems,
      op.appends,
      op.reduce,
      op.build,
    ],
    ...[
      op.persistentId,
      op.none,
      op.true,
      op.int(1),
      op.text('storage'),
      op.global('collections', 'OrderedDict'),
    ],
    ...[
      op.global('torch._utils', '_rebuild_tensor_v2'),
      op.global('torch._utils', '_rebuild_tensor_v3'),
      op.global('torch._utils', '_rebuild_sparse_tensor'),
      op.global('torch._tensor', '_rebuild_from_type_v2'),
      op.global('torch.storage', 'UntypedStorage'),
      op.global('torch', 'bfloat16'),
    ],
    ...[
      op.global('numpy', 'dtype'),
      op.global('numpy.core.multiarray', 'scalar'),
      op.global('builtins', 'set'),
      op.text('f8'),
      Buffer.from('C\x08abcdefgh'),
      Buffer.from([0x81]),
      Buffer.from([0x8f]),
      Buffer.from([0x90]),
      Buffer.from([0x91]),
    ],
    ...[Buffer.from('q\0'), Buffer.from('h\0'), Buffer.from([0x86])],
  );
  fc.assert(
    fc.property(fc.array(token, { maxLength: 30 }), (tokens) => {
      try {
        read(op.program(...tokens));
      } catch (error) {
        return error instanceof InputError;
      }
      return true;
    }),
    { seed: 1, numRuns: trials(20_000) },
  );
  t.pass();
});
