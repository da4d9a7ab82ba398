import test from 'ava';
import { FixedProduct } from '../../src/linalg/fixed-product.js';
import { KernelMemory } from '../../src/linalg/kernels/kernel-memory.js';
import { scratchFile } from '../helpers/fixtures.js';
import { assertWithin, reference, sizes, worstRatio } from '../helpers/product-definition.js';
import { randomFloat32 } from '../helpers/random.js';

const bits = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);

test('float32 products are those of the definition', async (t) => {
  for (const [m, k, n] of sizes) {
    const a = { values: randomFloat32(m * k, 1), rows: m, columns: k };
    const b = { values: randomFloat32(k * n, 2), rows: k, columns: n };
    const out = { values: new Float32Array(m * n).fill(Number.NaN), rows: m, columns: n };
    const product = await FixedProduct.create(b, 1);
    await product.multiply(a, out);
    await product.release();
    const { product: expected, magnitude } = reference(a, b);
    assertWithin(t, `${m} x ${k} x ${n}`, worstRatio(out.values, expected, magnitude, k * 2 ** -24));
  }
});

test("a row's bits do not depend on the other rows, as long as there are two", async (t) => {
  const rows = 300;
  const ranges = [2, 3, 4, 5, 7, 8, 15, 16, 17, 63, 64, 65, 129, 255].flatMap((count) =>
    [0, 1, 6, rows - count].filter((first) => first + count <= rows).map((first) => ({ first, count })),
  );
  for (const d of [1, 2, 3, 31, 64, 100, 256]) {
    const gamma = randomFloat32(rows * d, 6);
    const eigenvectors = { values: randomFloat32(d * d, 7), rows: d, columns: d };
    const product = await FixedProduct.create(eigenvectors, 1);
    const whole = new Float32Array(rows * d);
    await product.multiply({ values: gamma, rows, columns: d }, { values: whole, rows, columns: d });
    const different = [];
    for (const { first, count } of ranges) {
      const out = new Float32Array(count * d);
      const part = gamma.subarray(first * d, (first + count) * d);
      await product.multiply(
        { values: part, rows: count, columns: d },
        { values: out, rows: count, columns: d },
      );
      const same = whole.subarray(first * d, (first + count) * d);
      if (!bits(out).equals(bits(same))) different.push({ first, count });
    }
    t.deepEqual(different, [], `d = ${d}`);
    await product.release();
  }
});

test('equal rows give equal bits wherever they stand, and NaN stays in its row', async (t) => {
  const d = 100;
  const product = await FixedProduct.create({ values: randomFloat32(d * d, 9), rows: d, columns: d }, 1);
  for (const rows of [2, 3, 17, 64, 131]) {
    const gamma = randomFloat32(rows * d, 8);
    gamma.copyWithin((rows - 1) * d, 0, d);
    if (rows > 2) gamma[d + 5] = Number.NaN;
    const out = new Float32Array(rows * d);
    await product.multiply({ values: gamma, rows, columns: d }, { values: out, rows, columns: d });
    t.true(bits(out.subarray(0, d)).equals(bits(out.subarray((rows - 1) * d))), `${rows} rows`);
    for (let i = 0; i < rows; i++) {
      const isSpoiled = out.subarray(i * d, (i + 1) * d).map((value) => (Number.isNaN(value) ? 1 : 0));
      t.deepEqual(new Set(isSpoiled), new Set([rows > 2 && i === 1 ? 1 : 0]));
    }
  }
  await product.release();
});

test('operands and result may lie in WebAssembly memory, anywhere in it', async (t) => {
  const [m, k, n] = [5, 31, 17];
  const memory = new KernelMemory('');
  const regions = memory.allot({ unused: 100, a: m * k * 4, b: k * n * 4, out: (m + 2) * n * 4 });
  const a = { values: regions.a.float32, rows: m, columns: k };
  const b = { values: regions.b.float32, rows: k, columns: n };
  a.values.set(randomFloat32(m * k, 10));
  b.values.set(randomFloat32(k * n, 11));
  regions.out.float32.fill(7);
  const product = await FixedProduct.create(b, 1);
  const out = { values: regions.out.float32.subarray(n, (m + 1) * n), rows: m, columns: n };
  await product.multiply(a, out);
  await product.release();

  const { product: expected, magnitude } = reference(a, b);
  assertWithin(t, `${m} x ${k} x ${n}`, worstRatio(out.values, expected, magnitude, k * 2 ** -24));
  const around = [...regions.out.float32.subarray(0, n), ...regions.out.float32.subarray((m + 1) * n)];
  t.deepEqual(new Set(around), new Set([7]));
  t.is(out.values.buffer, memory.memory.buffer);
});

test('a right operand in a file, anywhere in it, gives the bits of the same one in memory', async (t) => {
  for (const [m, d] of [
    [2, 1],
    [3, 5],
    [17, 64],
    [20, 130],
  ] as const) {
    const values = randomFloat32(d * d, 14);
    const byteOffset = 24;
    const bytes = Buffer.concat([Buffer.alloc(byteOffset, 0xff), bits(values), Buffer.alloc(5, 0xff)]);
    const file = scratchFile(t, `b-${d}`, bytes);
    const a = { values: randomFloat32(m * d, 15), rows: m, columns: d };
    const [fromMemory, fromFile] = await Promise.all(
      [
        { values, rows: d, columns: d },
        { file, byteOffset, rows: d, columns: d },
      ].map(async (b) => {
        const product = await FixedProduct.create(b, 1);
        const out = { values: new Float32Array(m * d), rows: m, columns: d };
        await product.multiply(a, out);
        await product.release();
        return out.values;
      }),
    );
    t.true(bits(fromFile!).equals(bits(fromMemory!)), `${m} x ${d}`);
  }
});

test('its right operand may be changed, and be gone, once it is created', async (t) => {
  const d = 65;
  const b = { values: randomFloat32(d * d, 12), rows: d, columns: d };
  const product = await FixedProduct.create(b, 1);
  const a = { values: randomFloat32(3 * d, 13), rows: 3, columns: d };
  const [before, after] = [0, 1].map(() => ({ values: new Float32Array(3 * d), rows: 3, columns: d }));
  await product.multiply(a, before!);
  b.values.fill(Number.NaN);
  await product.multiply(a, after!);
  t.deepEqual(after, before);
  await product.release();
});

test('shapes that do not fit, and arrays that are not their shape, are refused by name', async (t) => {
  const matrix = (rows: number, columns: number, length = rows * columns) => ({
    values: new Float32Array(length),
    rows,
    columns,
  });
  await t.throwsAsync(FixedProduct.create(matrix(3, 5, 14), 1), {
    instanceOf: RangeError,
    message: 'a matrix of 3 x 5 (14 values) is not its shape',
  });
  const product = await FixedProduct.create(matrix(3, 5), 1);
  for (const [a, out] of [
    [matrix(2, 4), matrix(2, 5)],
    [matrix(2, 3), matrix(3, 5)],
    [matrix(2, 3, 7), matrix(2, 5)],
    [matrix(2, 3), matrix(2, 5, 9)],
  ] as const) {
    const message = `product of ${a.rows} x ${a.columns} (${a.values.length} values) and 3 x 5 (15 values) `;
    const error = await t.throwsAsync(product.multiply(a, out), { instanceOf: RangeError });
    t.true(error.message.startsWith(message), error.message);
  }
  await product.release();
});
