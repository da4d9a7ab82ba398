import test from 'ava';
import { OnnxOperator } from '../../src/linalg/onnx-operator.js';
import { randomFloat64 } from '../helpers/random.js';

const matrix = (values: Float64Array, rows: number, columns: number) => ({ values, rows, columns });

test('no run leaves memory behind for the garbage collector', async (t) => {
  const operator = await OnnxOperator.create({ operator: 'MatMul', dtype: 'float64', threads: 1 });
  const n = 256;
  const a = matrix(randomFloat64(n * n, 1), n, n);
  const b = matrix(randomFloat64(n * n, 2), n, n);
  const y = matrix(new Float64Array(n * n), n, n);
  await operator.run({ a, b }, y);
  const before = process.memoryUsage().arrayBuffers;
  const runs = 20;
  for (let run = 0; run < runs; run++) await operator.run({ a, b }, y);
  const grown = process.memoryUsage().arrayBuffers - before;
  t.log(`array buffers grew by ${grown} bytes in ${runs} runs of ${y.values.byteLength} bytes each`);
  t.true(grown < y.values.byteLength);
});

test('operands and result stay usable after a run', async (t) => {
  const operator = await OnnxOperator.create({ operator: 'Gemm', dtype: 'float64', threads: 1 });
  const a = matrix(Float64Array.of(1, 2, 3, 4), 2, 2);
  const b = matrix(Float64Array.of(1, 0, 0, 1), 2, 2);
  const y = matrix(Float64Array.of(10, 20, 30, 40), 2, 2);
  for (let run = 0; run < 2; run++) await operator.run({ a, b, c: y }, y);
  t.deepEqual([...y.values], [12, 24, 36, 48]);
  t.deepEqual([...a.values], [1, 2, 3, 4]);
  await operator.release();
});
