import test from 'ava';
import { RunError, toPlainError } from '../../../src/errors.js';
import type { DeviceAnswer, DeviceRequest, DeviceStrip } from '../../../src/linalg/backend/device-product.js';
import { DeviceProduct } from '../../../src/linalg/backend/device-product.js';
import { STRIP_ROWS } from '../../../src/plan/plan-run.js';

/** A device that multiplies by 2 in the place of B, and shows what it is sent. */
function doubling(seen: Float32Array[] = []) {
  return ({ port }: DeviceRequest): void => {
    const answer = (message: DeviceAnswer) => port.postMessage(message);
    port.on('message', ({ a, out }: DeviceStrip) => {
      seen.push(a);
      a.forEach((value, k) => {
        out[k] = 2 * value;
      });
      answer({ ok: true, strip: { a, out } });
    });
    answer({ ok: true, strip: null });
  };
}

const matrix = (values: Float32Array, columns: number) => ({
  values,
  rows: values.length / columns,
  columns,
});
const twice = matrix(Float32Array.of(2, 0, 0, 2), 2);

test('every strip has the same number of rows, filled up with zeros, also where its memory was used before', async (t) => {
  const seen: Float32Array[] = [];
  const product = await DeviceProduct.create(twice, doubling(seen));
  for (const rows of [STRIP_ROWS, 1, STRIP_ROWS + 3, 2]) {
    const a = Float32Array.from({ length: rows * 2 }, (_, k) => k + 1);
    const out = matrix(new Float32Array(rows * 2), 2);
    await product.multiply(matrix(a, 2), out);
    t.deepEqual(
      out.values,
      a.map((value) => 2 * value),
      `${rows} rows`,
    );
  }
  t.true(seen.every(({ length }) => length === STRIP_ROWS * 2));
  t.deepEqual([...seen[1]!.slice(0, 4)], [1, 2, 0, 0]);
  t.true([1, 3, 4].every((k) => seen[k]!.subarray(6).every((value) => value === 0)));
  await product.release();
});

test('several strips are under way at once, and the first rows may be written again when the call returns', async (t) => {
  const product = await DeviceProduct.create(twice, doubling());
  const a = Float32Array.of(1, 2);
  const outs = [1, 2, 3].map(() => matrix(new Float32Array(2), 2));
  const calls = outs.map((out) => {
    const call = product.multiply(matrix(a, 2), out);
    a[0]! += 10;
    return call;
  });
  await Promise.all(calls);
  t.deepEqual(
    outs.map(({ values }) => [...values]),
    [
      [2, 4],
      [22, 4],
      [42, 4],
    ],
  );
  await product.release();
});

test('a device that refuses, an operand or a strip, fails that call in its own words', async (t) => {
  const refuse = toPlainError(new RunError('no memory on the device'));
  const create = DeviceProduct.create(twice, ({ port }) => port.postMessage({ ok: false, error: refuse }));
  await t.throwsAsync(create, { instanceOf: RunError, message: 'no memory on the device' });

  const product = await DeviceProduct.create(twice, ({ port }) => {
    port.postMessage({ ok: true, strip: null });
    port.on('message', () => port.postMessage({ ok: false, error: refuse }));
  });
  const [a, out] = [matrix(new Float32Array(2), 2), matrix(new Float32Array(2), 2)];
  await t.throwsAsync(product.multiply(a, out), {
    instanceOf: RunError,
    message: 'no memory on the device',
  });
  await product.release();
});

test('a device whose thread ends fails what is under way, and all that comes after', async (t) => {
  const product = await DeviceProduct.create(twice, ({ port }) => {
    port.postMessage({ ok: true, strip: null });
    port.on('message', () => port.close());
  });
  const [a, out] = [matrix(new Float32Array(2), 2), matrix(new Float32Array(2), 2)];
  const gone = { instanceOf: RunError, message: /the thread that has the WebGPU device ended/ };
  await t.throwsAsync(product.multiply(a, out), gone);
  await t.throwsAsync(product.multiply(a, out), gone);
});
