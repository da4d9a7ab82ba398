import test, { type ExecutionContext } from 'ava';
import { InputError } from '../../../src/errors.js';
import { readState } from '../../../src/input/weighting/read-state.js';
import {
  float32Bytes,
  npy,
  op,
  safetensors,
  scratchFile,
  tensorPickle,
  torchFile,
} from '../../helpers/fixtures.js';

const STATE = [1.5, -2, 0.25];

const tensor = (name: string, shape: number[], values: readonly number[]) => ({
  ...{ name, dtype: 'F32', shape },
  data: float32Bytes(values),
});

const read = (t: ExecutionContext, bytes: Uint8Array) => readState(scratchFile(t, 'state', bytes), 3);

test('a state is read of every format, as [d], [1, d] or [d, 1], beside tensors of other shapes', async (t) => {
  const stored = { size: 3, shape: [1, 3], strides: [3, 1] };
  const files: [Uint8Array, string | null][] = [
    [npy('<f4', [3], float32Bytes(STATE)), null],
    [npy('<f4', [1, 3], float32Bytes(STATE)), null],
    [npy('<f4', [3, 1], float32Bytes(STATE)), null],
    [safetensors([tensor('h', [3], STATE), tensor('W', [3, 3], new Array(9).fill(1))]), 'h'],
    [torchFile(op.program(tensorPickle(stored)), { 0: float32Bytes(STATE) }), null],
  ];
  for (const [bytes, name] of files) {
    const { state, tensor: found } = await read(t, bytes);
    t.deepEqual([...state], STATE);
    t.is(found, name);
  }
});

test('what is no state is refused in words of its own, which name no option of other commands', async (t) => {
  for (const [bytes, message] of [
    [
      npy('<f4', [3, 3], float32Bytes(new Array(9).fill(1))),
      /found a bare tensor \(3 x 3\); save the state alone$/,
    ],
    [
      safetensors([tensor('a', [3], STATE), tensor('b', [1, 3], STATE)]),
      /one hidden state, .*found a \(3\), b \(1 x 3\); save/,
    ],
    [safetensors([tensor('a', [4], [1, 2, 3, 4])]), /a tensor of 3 or 1 x 3 components; found a \(4\)/],
    [npy('<f4', [3], float32Bytes([1, Number.NaN, 3])), /component 1 of the hidden state is NaN/],
    [new TextEncoder().encode('nothing of the kind'), /state: /],
  ] as const) {
    const error = await t.throwsAsync(read(t, bytes), { instanceOf: InputError, message });
    t.notRegex(error.message, /--/);
  }
});
